"""Whatever bytes come in, in whatever pieces: the server stays itself, and the others never notice."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.zkserver.frames import FrameBuffer
from autohealer.zkserver.jute import MALFORMED, RecordReader, write_buffer, write_string, write_strings
from autohealer.zkserver.protocol import MAX_REQUEST, ConnectionRefused
from tests.zkserver.machine import Machine, connect_request, frame, request
from tests.zkserver.wire import acl, boolean, buffer, create, integer, long, multi, string, strings

#: One well-formed request of every kind.
REQUESTS = [
    request(1, create("/a")),
    request(15, create("/b", b"data", flags=1)),
    request(1, create("/s-", flags=3)),
    request(19, create("/c", flags=4)),
    request(21, create("/t", flags=5) + long(1000)),
    request(3, string("/a") + boolean(True)),
    request(4, string("/a") + boolean(True)),
    request(5, string("/a") + buffer(b"x") + integer(-1)),
    request(6, string("/a")),
    request(7, string("/a") + acl() + integer(-1)),
    request(8, string("/") + boolean(True)),
    request(12, string("/") + boolean(True)),
    request(9, string("/a")),
    request(11, b"", -2),
    request(13, string("/a") + integer(1)),
    request(14, multi([(1, create("/m")), (5, string("/a") + buffer(None) + integer(-1))])),
    request(14, multi([(2, string("/m") + integer(-1)), (13, string("/a") + integer(9))])),
    request(22, multi([(4, string("/a") + boolean(False)), (8, string("/") + boolean(False))])),
    request(100, integer(0) + string("digest") + buffer(b"ann:secret")),
    request(101, long(0) + strings(["/a"]) + strings(["/x"]) + strings(["/"])),
    request(105, long(0) + strings(["/a"]) + strings([]) + strings(["/"]) + strings(["/p"]) + strings(["/r"])),
    request(103, string("/")),
    request(104, string("/")),
    request(106, string("/") + integer(1)),
    request(107),
    request(17, string("/") + integer(3)),
    request(18, string("/") + integer(3)),
    request(2, string("/a") + integer(-1)),
    request(16, string("") * 3 + long(-1)),
    request(-11),
]  # fmt: skip
STREAM = frame(connect_request()) + b"".join(REQUESTS)


def answers(machine: Machine, pieces: list[bytes]) -> tuple[bytes, bool]:
    """What a new peer that sends these pieces gets."""
    peer = machine.bare_peer()
    got = b""
    for piece in pieces:
        if peer.is_closed:
            break
        peer.feed(piece)
        got += peer.take()
    return got, peer.is_closed


def still_serves(machine: Machine) -> bool:
    """Somebody else comes and works."""
    peer = machine.peer()
    created = peer.ask(15, create("/fuzz-", flags=2))
    return created.error == 0 and peer.ask(-11).error == 0 and not machine.engine.tree.changes


def test_one_byte_at_a_time_makes_no_difference() -> None:
    """Frames are cut from the stream, wherever the network cut it."""
    whole = answers(Machine(), [STREAM])

    assert answers(Machine(), [bytes([byte]) for byte in STREAM]) == whole
    assert whole[1]
    assert len(whole[0]) > 1000


@settings(max_examples=100)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20).map(sorted))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    """Any pieces at all."""
    bounds = [0, *cuts, len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(bounds) if start < end]

    assert answers(Machine(), pieces) == answers(Machine(), [STREAM])


def test_every_prefix_is_waited_for() -> None:
    """What is not whole yet is neither an error nor an answer."""
    machine = Machine()
    for size in range(len(STREAM)):
        _, closed = answers(machine, [STREAM[:size]])

        assert not closed
    assert still_serves(machine)


@settings(max_examples=300)
@given(data=st.binary(max_size=300))
def test_any_bytes_instead_of_a_handshake(data: bytes) -> None:
    """Nobody is harmed."""
    machine = Machine()

    answers(machine, [data])

    assert still_serves(machine)


@settings(max_examples=300)
@given(kind=st.sampled_from([*range(-12, 23), *range(99, 109)]), body=st.binary(max_size=120), xid=st.integers(0, 9))
def test_any_body_of_any_operation(kind: int, body: bytes, xid: int) -> None:
    """Each gets exactly one reply, or the end of its connection."""
    machine = Machine()
    peer = machine.peer()

    peer.feed(request(kind, body, xid))

    assert len(peer.messages()) >= 1 or peer.is_closed
    assert still_serves(machine)


@settings(max_examples=500)
@given(
    which=st.sampled_from(REQUESTS),
    at=st.integers(8, 400),
    value=st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([integer(-1), integer(-2), integer(2**31 - 1)])),
    cut=st.booleans(),
)
def test_requests_that_went_wrong_somewhere(which: bytes, at: int, value: bytes, cut: bool) -> None:
    """Bytes replaced, lengths that lie, ends cut off: a reply or the end, and the tree is whole."""
    machine = Machine()
    peer = machine.peer()
    body = bytearray(which[4:])
    at = min(at, len(body))
    body[at : at + len(value)] = value
    peer.feed(frame(bytes(body[:at] if cut else body)))

    assert peer.messages() or peer.is_closed
    assert still_serves(machine)
    linked = {
        f"{path.rstrip('/')}/{name}" for path, node in machine.engine.tree.nodes.items() for name in node.children or ()
    }
    assert linked == machine.engine.tree.nodes.keys() - {"", "/"}


class TestFrames:
    """Frames in a stream."""

    @settings(max_examples=100)
    @given(frames=st.lists(st.binary(max_size=50), max_size=8), size=st.integers(1, 60))
    def test_frames_come_out_as_they_went_in(self, frames: list[bytes], size: int) -> None:
        """Whatever the pieces; nothing is left over."""
        stream = b"".join(map(frame, frames))
        buffered = FrameBuffer()
        found = []
        for start in range(0, len(stream), size):
            buffered.feed(stream[start : start + size])
            while (one := buffered.next_frame()) is not None:
                found.append(one)

        assert found == frames
        assert len(buffered) == 0

    @pytest.mark.parametrize("length", [-1, -(2**31), MAX_REQUEST + 1, 2**31 - 1])
    def test_impossible_length_is_refused_before_its_bytes_come(self, length: int) -> None:
        """Nothing is kept for it."""
        buffered = FrameBuffer()
        buffered.feed(struct.pack(">i", length))

        with pytest.raises(ConnectionRefused):
            buffered.next_frame()

    def test_drip_of_a_long_frame_costs_no_more_than_the_frame(self) -> None:
        """What waits is one buffer, not a list of drops."""
        buffered = FrameBuffer()
        buffered.feed(struct.pack(">i", 100_000))
        for _ in range(49_999):
            assert buffered.next_frame() is None
            buffered.feed(b"xy")

        assert buffered.next_frame() is None
        assert len(buffered) == 4 + 99_998
        buffered.feed(b"xy")
        assert buffered.next_frame() == b"xy" * 50_000


class TestJute:
    """Values, there and back."""

    @given(text=st.text(), data=st.none() | st.binary(), texts=st.lists(st.text()))
    def test_round_trip(self, text: str, data: bytes | None, texts: list[str]) -> None:
        """What is written is read."""
        reader = RecordReader(write_string(text) + write_buffer(data) + write_strings(texts))

        assert (reader.read_string(), reader.read_buffer(), reader.read_strings()) == (text, data, texts)
        assert reader.remaining == 0

    @given(texts=st.lists(st.text(min_size=1), min_size=1), data=st.data())
    def test_what_is_cut_short_is_malformed(self, texts: list[str], data: st.DataObject) -> None:
        """At any place."""
        written = write_strings(texts)
        end = data.draw(st.integers(0, len(written) - 1))

        with pytest.raises(MALFORMED):
            RecordReader(written[:end]).read_strings()

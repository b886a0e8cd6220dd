"""Each reader of what comes from outside bears any bytes, and any change of what makes sense."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autohealer.zkserver.entries import State
from autohealer.zkserver.jute import MALFORMED
from autohealer.zkserver.record_file import read_records
from tests.fuzz.targets import SEEDS, TARGETS, endpoint
from tests.support.processes import ROOT

CHANGES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=6)), max_size=6)


def changed(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """With pieces of it replaced."""
    for at, length, piece in changes:
        data = data[:at] + piece + data[at + length :]
    return data


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name, seeds in SEEDS.items() for seed in seeds])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_any_change_of_what_makes_sense(name: str, seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    TARGETS[name](changed(seed, changes))


def test_make_fuzz_tries_each() -> None:
    (fuzzed,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("FUZZED := ")]

    assert fuzzed.removeprefix("FUZZED := ").split() == list(TARGETS)


def test_what_makes_sense_does_so() -> None:
    """Where a search begins is behind the first check of each reader: what is not even answered finds little."""
    answers = [endpoint().answers(request).split(b" ", 2)[1] for request in SEEDS["http"]]
    state = State()
    read_records(io.BytesIO(SEEDS["journal"][-1]), state.apply, MALFORMED)

    assert answers.count(b"200") + answers.count(b"202") >= 14
    assert {"/c", "/m", "/t"} <= state.nodes.keys()

"""The readers of what comes from outside, each as a function of bytes. What such a function raises is a fault."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from autohealer.config.load import load
from autohealer.config.schema import POOL_FIELDS
from autohealer.config.values import read_value
from autohealer.coordination.pool import codec
from autohealer.errors import AutohealerError
from autohealer.processes.notify import parse
from autohealer.runtime.control_messages import to_call
from autohealer.runtime.ledger import Ledger
from autohealer.zkserver.entries import State
from autohealer.zkserver.jute import MALFORMED
from autohealer.zkserver.record_file import MAGIC, DamagedError, read_records
from tests.fuzz.endpoint import HEALTH, TOKEN, Endpoint
from tests.zkserver.journals import record
from tests.zkserver.machine import Machine
from tests.zkserver.test_fuzz import REQUESTS, still_serves

Target = Callable[[bytes], object]


def engine(data: bytes) -> None:
    """What one peer of the embedded server sends after its handshake; another one has to be served afterwards."""
    machine = Machine()
    peer = machine.peer()
    peer.feed(data)
    peer.take()
    assert still_serves(machine)


def handshake(data: bytes) -> None:
    """What one sends instead of it."""
    machine = Machine()
    machine.bare_peer().feed(data)
    assert still_serves(machine)


def journal(data: bytes) -> None:
    """A journal: whole, torn, or damaged; a server that begins with it serves, or says that it is damaged."""
    state = State()
    with suppress(DamagedError):
        read_records(io.BytesIO(data), state.apply, MALFORMED)
        with suppress(MALFORMED[0]):
            assert Machine(state).peer().ask(-11).error == 0  # what else it may, the journal's access lists say


def entries(data: bytes) -> None:
    """What a record holds, where all its sums are right."""
    journal(MAGIC + record(data))


def ledger(data: bytes) -> None:
    Ledger.parse(Path("ledger"), data, lambda: "host-agent")


def znodes(data: bytes) -> None:
    """Everything that agents read in ZooKeeper."""
    for read in (codec.read_agent, codec.read_target, codec.read_hold, codec.read_plan, codec.read_worker):
        read(data)
    codec.read_request(data, "request-0000000001")
    codec.read_name(data)


def http(data: bytes) -> None:
    """What is sent to the HTTP endpoint; another one has to be served afterwards."""
    answers = endpoint().answers(data)
    assert b"HTTP/1.1 500 " not in answers, answers
    assert endpoint().answers(HEALTH).startswith(b"HTTP/1.1 200 ")


@cache
def endpoint() -> Endpoint:
    return Endpoint()


def control(data: bytes) -> None:
    """A line on the control socket."""
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        to_call(data)


def notify(data: bytes) -> None:
    """A datagram on the notify socket."""
    list(parse(data, "host-0-a", 1.0))


def options(data: bytes) -> None:
    """A text for each option."""
    text = data.decode(errors="replace")
    for field in POOL_FIELDS.values():
        with suppress(AutohealerError, ValueError):
            read_value(field, text, Path("/"))


def configuration(data: bytes) -> None:
    """A file for `run --config`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "autohealer.toml")
        file.write_bytes(data)
        with suppress(AutohealerError):
            load(file, {})


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (engine, handshake, journal, entries, ledger, znodes, control, notify, http, options, configuration)
}


def _entries() -> tuple[bytes, ...]:
    """What a server notes down of a life in which one thing of each kind is asked for."""
    machine = Machine()
    peer, noted = machine.peer(), []
    for asked in (b"", *REQUESTS):
        peer.feed(asked)
        noted.append(bytes(machine.journal))
        machine.journal.clear()
    return tuple(filter(None, noted))


def _requests() -> tuple[bytes, ...]:
    """One that is answered at each path, and some that are odd."""
    head = b" HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
    paths = (
        b"/",
        b"/readyz?pool=default",
        b"/metrics",
        b"/api/v1/status",
        b"/api/v1/events?after=x-1",
        b"/api/v1/pools",
        b"/api/v1/incidents?worker=me-0-a&limit=3",
        b"/api/v1/output?slot=0&lines=5",
    )
    told = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
    json = told + b"Content-Type: application/json\r\n"
    bodies = {
        b"scale": b'{"workers": 3}',
        b"kill": b'{"worker": "me-0-a"}',
        b"drain": b'{"agent": "me"}',
        b"stop": b"{}",
    }
    return (
        *(b"GET " + path + head + told + b"\r\n" for path in paths),
        *(
            b"POST /api/v1/%b%b%bContent-Length: %d\r\n\r\n%b" % (verb, head, json, len(body), body)
            for verb, body in bodies.items()
        ),
        b"POST /api/v1/stop" + head + json + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"POST /api/v1/stop" + head + json + b"Content-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /api/v1/stop" + head + json + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        b"HEAD /" + head + b"Origin: http://127.0.0.1:8080\r\n\r\nGET /x" + head + b"\r\n",
        b"GET /" + head + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
    )


#: Where a search may begin: something that makes sense, of each kind.
SEEDS: dict[str, tuple[bytes, ...]] = {
    "journal": (MAGIC + bytes(40), MAGIC + b"".join(map(record, _entries()))),
    "entries": (*_entries(), b"".join(_entries())),
    "ledger": (b'{"agent":"host-a","boot":"b"}\n{"gone":"host-a-0-x"}\n{"finished":3,"failed":false,"revision":1}\n',),
    "znodes": (
        b'{"epoch":1,"leader":"a","target":3,"foreign":0,"shares":{"a":3},"turn":"a"}',
        b'{"host":"h","pid":1,"version":"1","share":1,"running":1}',
        b'{"id":"x","verb":"kill","subject":"a-0-b","expires":1e9,"by":"me"}',
    ),
    "control": (b'{"question":"status"}', b'{"operation":{"id":"x","verb":"scale","subject":"3"}}'),
    "http": _requests(),
    "notify": (b"READY=1\nSTATUS=fine\nX_PROGRESS=3\nEXTEND_TIMEOUT_USEC=1000000\n",),
    "options": (b"10s", b"25%", b"64M", b"tcp:127.0.0.1:80"),
    "configuration": (b'[defaults]\nenv = { A = "b" }\n[pools.web]\nworkers = 3\ncommand = "sleep 1"\n',),
}

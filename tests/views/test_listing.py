"""What ``status`` and ``events`` print, as text of a fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from autohealer.views.listing import event_lines, pool_lines, status_lines
from autohealer.views.palette import STATES, state_look
from autohealer.views.reading import record_of
from autohealer.views.rendering import Part, rendered
from autohealer.views.status import SilentPool, Status

TIME = "2026-01-02T03:04:05.678901Z"
NOW = 1767323232.5  # 187 seconds later

STATUS: dict[str, Any] = {
    "pool": "default",
    "zookeeper": "127.0.0.1:2181",
    "connected": True,
    "target": 2,
    "running": 1,
    "registered": 1,
    "foreign": 0,
    "leader": "a",
    "epoch": 7,
    "agents": [{"agent": "a", "host": "h", "pid": 1, "share": 2, "running": 1, "draining": False, "http": None}],
    "workers": [
        {
            "worker": "a-0-x",
            "agent": "a",
            "host": "h",
            "pid": 10,
            "slot": 0,
            "state": "running",
            "registered": True,
            "restarts": 3,
            "started": TIME,
            "address": None,
        },
        {
            "worker": None,
            "agent": "a",
            "host": "h",
            "pid": None,
            "slot": 1,
            "state": "backoff",
            "registered": False,
            "restarts": 12,
            "started": None,
            "address": None,
            "cause": "exit 2",
            "next_start": "2026-01-02T03:07:19.500000Z",
        },
    ],
}


def told(fields: dict[str, Any]) -> Status:
    """As an agent has told it; what it left out is not known."""
    return msgspec.convert(fields, Status)


def text(parts: Sequence[Part]) -> str:
    return rendered(parts, styled=False)


def test_the_status_of_one_agent() -> None:
    """A head, and a row for each worker; what is not there is a dash."""
    assert (
        text(status_lines(told(STATUS), NOW, glyphs=False))
        == """\
pool default: 1 of 2 running, 1 registered
ZooKeeper 127.0.0.1:2181, leader a, epoch 7
slot 1 is crash-looping: exit 2

slot  state    pid     up  restarts  last end  next start  registered  worker
   0  running   10  3m06s         3  -                  -  yes         a-0-x
   1  backoff    -      -        12  exit 2         in 7s  no          -"""
    )


def test_the_status_on_a_terminal() -> None:
    """The same with a glyph for each state, so that it is told by more than its colour."""
    assert text(status_lines(told(STATUS), NOW, glyphs=True)).splitlines()[4:] == [
        "slot  state      pid     up  restarts  last end  next start  registered  worker",
        "   0  ● running   10  3m06s         3  -                  -  yes         a-0-x",
        "   1  ▲ backoff    -      -        12  exit 2         in 7s  no          -",
    ]


def test_what_is_known_of_workers_has_a_column() -> None:
    """And nothing has one that is known of none, or is the same for all where that says nothing."""
    worker = STATUS["workers"][0]
    measured = {"ready": False, "cpu": 0.031, "rss": 41 * 2**20, "revision": 3, "held": "probe"}
    other = {**worker, "worker": "b-1-y", "slot": 1, "host": "i", "revision": 2, "ready": True}
    status = {**STATUS, "workers": [{**worker, **measured}, other], "running": 2}

    assert text(status_lines(told(status), NOW, glyphs=False)).splitlines()[2:] == [
        "1 worker held: probe",
        "",
        "slot  state               pid     up  restarts  rev  cpu  memory  held   registered  host  worker",
        "   0  running, not ready   10  3m06s         3   r3   3%   41.0M  probe  yes         h     a-0-x",
        "   1  running              10  3m06s         3   r2    -       -  -      yes         i     b-1-y",
    ]


def test_what_is_unusual_stands_above() -> None:
    """A drained agent, a rollout, a hold, a file that differs."""
    agent = {**STATUS["agents"][0], "draining": True, "running": 0}
    unusual = {
        "rollout": {"verb": "update", "by": "me", "from": 1, "to": 2, "exchanged": 1, "of": 3},
        "held": ["probe", "beat"],
        "config": {"file": "a.toml", "state": "differs", "detail": "pool web"},
        "done": {"done": 2, "failed": 1},
    }
    status = {**STATUS, **unusual, "agents": [agent], "workers": []}

    assert text(status_lines(told(status), NOW, glyphs=False)).splitlines()[2:] == [
        "agent a is drained; autohealer drain --undo a lets it have workers again",
        "verdicts are held: probe, beat",
        "update: 1 of 3 replaced",
        "2 done, 1 failed",
        "the file differs: pool web",
    ]


def test_a_crash_loop_is_told_in_the_last_words_of_its_workers() -> None:
    """With how they ended beside it; those that say the same together."""
    idle = STATUS["workers"][1]
    status = {**STATUS, "workers": [idle, {**idle, "slot": 2}, {**idle, "slot": 3}]}
    words = dict.fromkeys((1, 2), "python: can't open file 'no.py'")
    looping = [
        "2 are crash-looping: python: can't open file 'no.py' (exit 2)",
        "slot 3 is crash-looping: exit 2",
    ]

    assert text(status_lines(told(status), NOW, glyphs=False, said=words)).splitlines()[2:4] == looping
    assert text(pool_lines([told(status)], {"default": words})).splitlines()[1].endswith("; ".join(looping))


def test_several_pools() -> None:
    """A line each: as wanted, below, and one that does not answer."""
    whole = {**STATUS, "pool": "db", "target": 1, "workers": [{**STATUS["workers"][0], "ready": True}]}
    silent = SilentPool("odd", "the agent of pool odd (pid 7) is frozen")

    assert text(pool_lines([told(STATUS), told(whole), silent])).splitlines() == [
        "pool     running  of  ready  restarts  agents  how it is",
        "default        1   2      0        15       1  slot 1 is crash-looping: exit 2",
        "db             1   1      1         3       1  as wanted",
        "odd            -   -      -         -       -  the agent of pool odd (pid 7) is frozen",
    ]


def test_no_two_states_look_alike() -> None:
    """Glyph and word, each by itself, tell states apart; one that is not known yet is shown by its name."""
    assert len({look.glyph for look in STATES.values()}) == len({look.word for look in STATES.values()}) == len(STATES)
    assert state_look("hibernating").word == "hibernating"


def test_the_status_of_several_agents_and_an_outage() -> None:
    """A row for each agent; that ZooKeeper is away, and that there are foreign workers."""
    other = {**STATUS["agents"][0], "agent": "b", "share": None}
    status = {**STATUS, "agents": [*STATUS["agents"], other], "connected": False, "foreign": 2, "workers": []}
    assert (
        text(status_lines(told(status), NOW, glyphs=False))
        == """\
pool default: 1 of 2 running, 1 registered, 2 foreign, ZooKeeper away
ZooKeeper 127.0.0.1:2181, leader a, epoch 7

agent       host  pid  share  running  draining
a (leader)  h       1      2        1  no
b           h       1      -        1  no"""
    )


def test_what_is_not_known_yet() -> None:
    """Nobody leads, no target has been read, nothing runs."""
    unknown = dict.fromkeys(("target", "foreign", "leader", "epoch"))
    status = {**STATUS, **unknown, "running": 0, "registered": 0, "agents": [], "workers": []}
    assert text(status_lines(told(status), NOW, glyphs=False)) == (
        "pool default: 0 of - running, 0 registered\nZooKeeper 127.0.0.1:2181, leader -, epoch -"
    )


def test_an_event_on_a_terminal() -> None:
    """How long ago, when, a glyph, and words; what else it says stands below its words."""
    fields = {
        "time": TIME,
        "event": "worker.backoff",
        "slot": 3,
        "delay": 0.2,
        "reason": "exit code 1",
        "output": ["a\tb"],
    }

    assert text(event_lines(record_of(fields), NOW, glyphs=True, is_past=True, utc=True)) == (
        "  3m ago  03:04:05.678Z  ▲ worker 3 waits 0.2 s before its next start: exit code 1\n"
        "                           | a   b"
    )


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    """Escapes in what others wrote are blanks on the screen."""
    worker = {**STATUS["workers"][0], "host": "h\x1b[2J\u202e", "worker": "a\nb"}
    shown = text(status_lines(told({**STATUS, "pool": "p\x1bc", "workers": [worker]}), NOW, glyphs=True))
    event = {"time": TIME, "event": "worker.faulty", "slot": 1, "cause": "\x1b]0;x\x07", "evidence": "\x9b1m"}

    assert all(line.isprintable() for line in shown.splitlines())
    assert all(line.isprintable() for line in text(event_lines(record_of(event), NOW, glyphs=True)).splitlines())

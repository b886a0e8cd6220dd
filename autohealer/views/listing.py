"""What ``status`` and ``events`` print: aligned columns, with glyphs where a person reads them on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from autohealer.core.notices import EventRecord
from autohealer.views.crashing import Waiting, crash_loops
from autohealer.views.lines import BLANK, Line, Span, clean, right, width_of
from autohealer.views.palette import event_look, state_look
from autohealer.views.rendering import Heading, Part, table
from autohealer.views.status import AgentRow, SilentPool, Status, WorkerRow
from autohealer.views.text import event_evidence, event_words
from autohealer.views.units import ago, clock, count, duration, size, unix

UNKNOWN = "-"


AGENT = (Heading("agent"), Heading("host"), Heading("pid", True), Heading("share", True), Heading("running", True),
         Heading("draining"))  # fmt: skip
POOL = (Heading("pool"), Heading("running", True), Heading("of", True), Heading("ready", True),
        Heading("restarts", True), Heading("agents", True), Heading("how it is"))  # fmt: skip


def status_lines(status: Status, now: float, *, glyphs: bool, said: Mapping[int, str] | None = None) -> list[Part]:
    """The pool at a glance, then its agents if there are several, then its workers.

    ``said`` is what the worker of each slot wrote last before it died.
    """
    lines: list[Part] = [*_head(status, said or {})]
    if len(status.agents) > 1:
        lines += [BLANK, table(AGENT, (_agent(agent, status.leader) for agent in status.agents))]
    if status.workers:
        columns = [column for column in COLUMNS if column.is_of_use(status.workers)]
        rows = ([column.cell(worker, now, glyphs) for column in columns] for worker in status.workers)
        lines += [BLANK, table([column.heading for column in columns], rows)]
    return lines


def pool_lines(pools: Sequence[Status | SilentPool], said: Mapping[str, Mapping[int, str]] | None = None) -> list[Part]:
    """Several pools, a line each. ``said``: as above, by pool."""
    return [table(POOL, (_pool(pool, (said or {}).get(pool.pool, {})) for pool in pools))]


def event_lines(
    record: EventRecord, now: float, *, glyphs: bool, is_past: bool = False, utc: bool = False
) -> list[Line]:
    """An event with its time, how long ago that was if it ``is_past``; what else it says on indented lines below."""
    look, at = event_look(record.event), unix(record.time)
    when = [(f"{right(UNKNOWN if at is None else ago(now - at), 8)}  ", "")] if is_past else []
    glyph = [(f"{look.glyph} ", look.style)] if glyphs else []
    bad = look.style == "bad"
    first: Line = (
        *when,
        (f"{clock(at, now, utc=utc)}  ", "dim"),
        *glyph,
        (clean(event_words(record)), look.style if bad else ""),
    )
    indent = " " * sum(width_of(text) for text, _ in first[:-1])
    return [first, *((((f"{indent}| ", "dim"), (clean(text.expandtabs(4)), "dim"))) for text in event_evidence(record))]


def _head(status: Status, said: Mapping[int, str]) -> list[Line]:
    target, running, foreign = status.target, status.running, status.foreign or 0
    whole = target is not None and running >= target - foreign
    extra = (f", {foreign} foreign" if foreign else "") + ("" if status.connected else ", ZooKeeper away")
    return [
        (
            ("pool ", ""),
            (clean(status.pool), "bold"),
            (": ", ""),
            (f"{running} of {_known(target)} running", "good" if whole else "bad"),
            (f", {status.registered} registered", ""),
            (extra, "aside" if status.connected else "bad"),
        ),
        (
            (f"ZooKeeper {clean(_known(status.zookeeper))}, leader {clean(_known(status.leader))}, ", ""),
            (f"epoch {_known(status.epoch)}", "dim"),
        ),
        *(((clean(note), "warm"),) for note in [*_drained(status), *_notes(status, said)] if note != "ZooKeeper away"),
    ]


def _drained(status: Status) -> list[str]:
    """Agents that were emptied because somebody asked for that."""
    idle = [agent.agent for agent in status.agents if agent.draining and not agent.running]
    return [f"agent {agent} is drained; autohealer drain --undo {agent} lets it have workers again" for agent in idle]


def _agent(agent: AgentRow, leader: str | None) -> list[Span]:
    full = agent.share is not None and (agent.running or 0) >= agent.share
    return [
        (agent.agent + (" (leader)" if agent.agent == leader else ""), "bold"),
        (_known(agent.host), ""),
        (_known(agent.pid), ""),
        (_known(agent.share), ""),
        (_known(agent.running), "good" if full else "bad"),
        (_known(agent.draining), "warm" if agent.draining else "dim"),
    ]


def _pool(status: Status | SilentPool, said: Mapping[int, str]) -> list[Span]:
    if isinstance(status, SilentPool):
        return [(status.pool, "bold"), *([(UNKNOWN, "dim")] * 5), (status.error, "bad")]
    workers, notes = status.workers, _notes(status, said)
    ready = [worker for worker in workers if worker.ready]
    good = not status.is_below
    return [
        (status.pool, "bold"),
        (_known(status.running), "good" if good else "bad"),
        (_known(status.target), ""),
        (str(len(ready)), "" if len(ready) >= status.running else "warm"),
        (str(sum(worker.restarts or 0 for worker in workers)), "dim"),
        (str(len(status.agents)), "dim"),
        ("; ".join(notes) or ("as wanted" if good else "below its target"), "" if good and not notes else "warm"),
    ]


def _notes(status: Status, said: Mapping[int, str]) -> list[str]:
    """What is unusual about a pool."""
    notes = [] if status.connected else ["ZooKeeper away"]
    waiting = [
        Waiting(worker.slot, worker.cause or "start failed") for worker in status.workers if worker.state == "backoff"
    ]
    notes += [loop.words + (f" ({loop.cause})" if loop.cause else "") for loop in crash_loops(waiting, said)]
    held = [worker.held for worker in status.workers if worker.held]
    if held:
        notes.append(f"{count(len(held), 'worker')} held: {held[0]}")
    if status.held:
        notes.append(f"verdicts are held: {', '.join(status.held)}")
    if (rollout := status.rollout) is not None:
        notes.append(f"{rollout.verb}: {rollout.exchanged} of {rollout.of} replaced")
    if (done := status.done) is not None:
        notes.append(f"{done.done} done, {done.failed} failed")
    if (config := status.config) is not None and config.state != "same":
        notes.append(f"the file {'differs' if config.state == 'differs' else 'is wrong'}: {config.detail}")
    return notes


class Column(NamedTuple):
    """A column of the table of workers."""

    heading: Heading
    cell: Callable[[WorkerRow, float, bool], Span]
    is_of_use: Callable[[Sequence[WorkerRow]], bool] = lambda _: True


def _state(worker: WorkerRow, _now: float, glyphs: bool) -> Span:
    look = state_look(worker.state)
    unready = ", not ready" if worker.state == "running" and worker.ready is False else ""
    text = f"{look.glyph} {look.word}" if glyphs else look.word
    return f"{text}{unready}", "warm" if unready else look.style


def _up(worker: WorkerRow, now: float, _glyphs: bool) -> Span:
    started = unix(worker.started)
    return UNKNOWN if started is None else duration(now - started).replace(" ", ""), ""


def _next(worker: WorkerRow, now: float, _glyphs: bool) -> Span:
    at = unix(worker.next_start)
    return (UNKNOWN, "dim") if at is None else (f"in {duration(max(0.0, at - now)).replace(' ', '')}", "warm")


def _plain(key: str, style: str = "") -> Callable[[WorkerRow, float, bool], Span]:
    value = attrgetter(key)
    return lambda worker, _now, _glyphs: (_known(value(worker)), style)


def _flagged(key: str, good: str, bad: str, *, is_good: bool) -> Callable[[WorkerRow, float, bool], Span]:
    value = attrgetter(key)
    return lambda worker, _now, _glyphs: (_known(value(worker)), good if bool(value(worker)) is is_good else bad)


def _shown(key: str, show: Callable[[Any], str]) -> Callable[[WorkerRow, float, bool], Span]:
    def cell(worker: WorkerRow, _now: float, _glyphs: bool) -> Span:
        value = getattr(worker, key)
        return (UNKNOWN, "dim") if value is None else (show(value), "")

    return cell


def _is_known(key: str) -> Callable[[Sequence[WorkerRow]], bool]:
    """Where it is known of some worker."""
    return lambda workers: any(getattr(worker, key) is not None for worker in workers)


def _is_various(key: str) -> Callable[[Sequence[WorkerRow]], bool]:
    """Where it is not the same for all."""
    return lambda workers: len({getattr(worker, key) for worker in workers} - {None}) > 1


COLUMNS = (
    Column(Heading("slot", True), _plain("slot", "bold")),
    Column(Heading("state"), _state),
    Column(Heading("pid", True), _plain("pid")),
    Column(Heading("up", True), _up),
    Column(Heading("restarts", True), _flagged("restarts", "dim", "warm", is_good=False)),
    Column(Heading("rev", True), _shown("revision", lambda value: f"r{value}"), _is_various("revision")),
    Column(Heading("cpu", True), _shown("cpu", lambda value: f"{value:.0%}"), _is_known("cpu")),
    Column(Heading("memory", True), _shown("rss", size), _is_known("rss")),
    Column(Heading("last end"), _plain("cause", "warm"), _is_known("cause")),
    Column(Heading("held"), _plain("held", "warm"), _is_known("held")),
    Column(Heading("next start", True), _next, _is_known("next_start")),
    Column(Heading("registered"), _flagged("registered", "", "warm", is_good=True)),
    Column(Heading("host"), _plain("host", "dim"), _is_various("host")),
    Column(Heading("worker"), _plain("worker", "dim")),
)


def _known(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else str(value)

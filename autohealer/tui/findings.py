"""Is all as wanted? And if not, why, in words: the first thing that a person looks for.

`findings` judges how the pool stands; each finding is one line. The first line tells how many run of how many, the
others name what is wrong with what the worker itself said last, what happens next, and when. Nothing is decided
here: states and causes are the agent's own.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from autohealer.tui.state import PoolState, moment
from autohealer.views.crashing import Waiting, crash_loops
from autohealer.views.units import count, duration, number

YOUNG_S = 60.0
"""A worker that is not ready is about to be, for so long after its start; after that it has a problem."""
SILENT_S = 3.0
"""An agent says something every second; after this long without a word it is frozen, or gone."""


class FindingLine(NamedTuple):
    """One line: a glyph and words in a tone (a style's name), and what may be left out where room is short."""

    tone: str
    glyph: str
    words: str
    detail: str = ""
    brief: str = ""
    """In one or two words, for a line that tells of several pools."""


class OtherPool(NamedTuple):
    """A pool that is not shown and not as wanted, and what is wrong with it in brief."""

    name: str
    brief: str


def headline(state: PoolState) -> FindingLine:
    """How many run of how many, and whether that is as wanted."""
    status, wanted = state.status, state.wanted
    running = f"{number(status.running)} of {number(status.target)} running"
    if status.target is None:
        return FindingLine("warm", "◐", running)
    if state.here.draining:
        return FindingLine("warm", "◌", f"stopping: {number(status.running)} still running")
    if status.running < wanted:
        starting = sum(worker.state == "starting" for worker in state.rows.values())
        on_its_way = status.running + starting >= wanted
        return FindingLine("heal", "◐", running) if on_its_way else FindingLine("bad", "✗", running)
    return FindingLine("good", "●", running)


def findings(state: PoolState, now: float) -> list[FindingLine]:
    """All that is not as wanted, the worst first. ``now`` is Unix time. Empty: all is as wanted."""
    if not state.is_known:
        return []
    found = [
        *_agent(state, now),
        *_crash_loops(state, now),
        *_finished(state),
        *_held(state),
        *_zookeeper(state, now),
        *_not_there_yet(state, now),
        *_config(state),
        *_rollout(state),
    ]
    missing = state.wanted - state.status.running
    if missing > 0 and not found and not state.here.draining:
        found.append(FindingLine("warm", "◐", f"{count(missing, 'worker')} to come"))
    return found


def is_as_wanted(state: PoolState, now: float) -> bool:
    """Whether nothing is bad about it."""
    return "bad" not in {headline(state).tone, *(finding.tone for finding in findings(state, now))}


def in_brief(state: PoolState, now: float) -> str:
    """What is bad about it, in one or two words."""
    running = f"{number(state.status.running)} of {number(state.status.target)}"
    return next((found.brief for found in findings(state, now) if found.tone == "bad" and found.brief), running)


def _agent(state: PoolState, now: float) -> list[FindingLine]:
    if state.heard_at is not None and now - state.heard_at > SILENT_S:
        pid = f" (pid {state.here.pid})" if state.here.pid is not None else ""
        words = f"the agent{pid} has not answered for {duration(now - state.heard_at)}"
        return [FindingLine("bad", "!", words, "what is shown is how it stood then; workers go on")]
    if state.here.draining:
        return [FindingLine("warm", "◌", "this agent is ending", "Ctrl-C kills what is left at once")]
    return []


def _crash_loops(state: PoolState, now: float) -> list[FindingLine]:
    """Slots that wait before their next start."""
    waiting = [
        Waiting(worker.slot, state.cause(worker), state.next_start(worker))
        for worker in state.rows.values()
        if worker.state == "backoff"
    ]
    found = []
    for loop in crash_loops(waiting, state.history.last_words):
        soon = "" if loop.next_start is None else f"next try in {duration(loop.next_start - now + 0.9)}"
        detail = ", ".join(part for part in (loop.cause, soon) if part)
        found.append(FindingLine("bad", "▲", loop.words, detail, "crash-looping"))
    return found


def _finished(state: PoolState) -> list[FindingLine]:
    done = state.status.done
    if done is None or not (done.done or done.failed):
        return []
    tone, glyph = ("bad", "✗") if done.failed else ("good", "✓")
    words = f"{done.done:,} done, {done.failed:,} failed"
    return [FindingLine(tone, glyph, words, "they are not started again", f"{done.failed:,} failed")]


def _held(state: PoolState) -> list[FindingLine]:
    causes: dict[str, int] = defaultdict(int)
    for worker in state.rows.values():
        if worker.held is not None:
            causes[worker.held] += 1
    found = []
    senses = state.status.held or []
    for cause, many in sorted(causes.items(), key=lambda item: -item[1]):
        by = "on request; `autohealer release`" if cause in senses or "all" in senses else "by the brake"
        found.append(FindingLine("warm", "‖", f"{many:,} faulty and held: {cause}", by))
    if senses and not causes:
        found.append(
            FindingLine("warm", "‖", f"verdicts are held: {', '.join(senses)}", "`autohealer release` ends it")
        )
    return found


def _zookeeper(state: PoolState, now: float) -> list[FindingLine]:
    if state.status.connected:
        if state.status.leader is None and state.status.target is not None:
            return [FindingLine("warm", "☆", "no agent leads yet", "one is about to be elected")]
        return []
    since = moment(state.here.away_since)
    if since is None:
        words = f"ZooKeeper at {state.status.zookeeper} has not answered yet"
        return [FindingLine("bad", "▲", words, brief="no ZooKeeper yet")]
    words = f"ZooKeeper has been away for {duration(now - since)}"
    return [FindingLine("bad", "▲", words, "workers go on, heals too", "ZooKeeper away")]


def _not_there_yet(state: PoolState, now: float) -> list[FindingLine]:
    starting = young = unready = 0
    for worker in state.rows.values():
        starting += worker.state == "starting"
        if worker.state == "running" and worker.ready is False and worker.held is None:
            is_young = now - (moment(worker.started) or 0.0) < YOUNG_S
            young += is_young
            unready += not is_young
    found = []
    if starting or young:
        parts = [f"{starting:,} starting" if starting else "", f"{young:,} getting ready" if young else ""]
        found.append(FindingLine("heal", "◐", ", ".join(part for part in parts if part)))
    if unready:
        found.append(FindingLine("warm", "◑", f"{unready:,} running, not ready"))
    return found


def _config(state: PoolState) -> list[FindingLine]:
    config = state.status.config
    if config is None or config.state == "same":
        return []
    if config.state == "invalid":
        words = f"{config.file} on disk is wrong: {config.detail or ''}"
        return [FindingLine("bad", "!", words, "what runs is unchanged", "file is wrong")]
    return [FindingLine("warm", "≠", f"{config.file} on disk differs", "`autohealer reload` applies it")]


def _rollout(state: PoolState) -> list[FindingLine]:
    rollout = state.status.rollout
    if rollout is None:
        return []
    revisions = f" to r{rollout.to}" if rollout.to is not None else ""
    by = f"asked by {rollout.by}" if rollout.by else ""
    done = f": {rollout.exchanged or 0} of {rollout.of} replaced" if rollout.of is not None else ""
    return [FindingLine("heal", "↻", f"{rollout.verb}{revisions}{done}", by)]

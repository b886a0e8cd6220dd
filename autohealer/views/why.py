"""Incidents as stories: what it was, who saw it, what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autohealer.views.lines import Line, clean
from autohealer.views.units import ago, duration, milliseconds, size, unix

Fields = Mapping[str, Any]

ONE_STORY_S = 1.0
_INDENT: Line = (("    ", ""),)
_OUTCOMES = {
    "healed": "healed",
    "held": "held: the worker is left running",
    "backoff": "the next start waits",
    "gave-up": "given up",
    "done": "nothing is started in its place",
    "unknown": "what came of it is not known: the agent ended before",
    "open": "not healed",
}
_GOOD = frozenset({"healed", "done"})


def stories(incidents: Sequence[Fields]) -> list[list[Fields]]:
    """Those that were opened within a second of the first of them belong together, the first on top; newest first."""
    found: list[list[Fields]] = []
    for incident in sorted(incidents, key=lambda incident: str(incident.get("opened"))):
        at = unix(incident.get("opened"))
        first = unix(found[-1][0].get("opened")) if found else None
        if at is not None and first is not None and at - first <= ONE_STORY_S:
            found[-1].append(incident)
        else:
            found.append([incident])
    return found[::-1]


def why_lines(incidents: Sequence[Fields], now: float | None) -> list[Line]:
    """All of them. ``now``: to say how long ago; None where that would soon be wrong."""
    lines: list[Line] = []
    for story in stories(incidents):
        if lines:
            lines.append(())
        if len(story) > 1:
            lines.append(((f"{len(story)} workers within a second; the first of them:", "title"),))
        for incident in story:
            lines += _told(incident, now)
    return lines


def _told(incident: Fields, now: float | None) -> Iterator[Line]:
    yield ((_moment(incident, now), "dim"), ("  ", ""), (clean(_headline(incident)), "title"))
    for text in (_seen(incident), _decided(incident)):
        if text:
            yield (*_INDENT, (clean(text), ""))
    outcome = str(incident.get("outcome"))
    yield (*_INDENT, (clean(_came_of_it(incident)), "heal" if outcome in _GOOD else "bad"))
    yield from _evidence(incident.get("evidence") or {})


def _moment(incident: Fields, now: float | None) -> str:
    at = unix(incident.get("opened"))
    if at is None:
        return "--:--:--"
    then = time.localtime(at)
    is_today = now is None or time.localtime(now)[:3] == then[:3]
    clock = time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", then)
    return clock if now is None else f"{clock} ({ago(max(0.0, now - at))})"


def _headline(incident: Fields) -> str:
    slot, pid = incident.get("slot"), incident.get("pid")
    who = f"worker {incident.get('worker')}" if slot is None else f"worker {slot}"
    if pid is not None:
        who += f" (pid {pid})"
    match incident.get("kind"):
        case "verdict":
            return f"{who} was found faulty: {incident.get('cause')}, {incident.get('detail')}"
        case "spawn":
            return f"{who} could not be started: {incident.get('detail')} ({incident.get('cause')})"
    exit_ = incident.get("exit") or {}
    killed_for_memory = " by the kernel, for want of memory" if exit_.get("oom") else ""
    return f"{who} died: {incident.get('detail')}{killed_for_memory}"


def _seen(incident: Fields) -> str:
    parts = [f"r{incident.get('revision')}, {incident.get('worker')}"]
    if isinstance(incident.get("uptime"), int | float):
        uptime = incident["uptime"]
        parts.append(f"lived {duration(uptime) if uptime >= 1 else milliseconds(uptime * 1000)}")
    if incident.get("noticed_by"):
        after = incident.get("noticed_ms")
        parts.append(f"seen by {incident['noticed_by']}" + (f" after {milliseconds(after)}" if after else ""))
    exit_ = incident.get("exit")
    if incident.get("kind") == "verdict" and exit_ is not None:
        parts.append(f"ended by {exit_['signal']}" if exit_.get("signal") else f"ended with {exit_.get('code')}")
    return ", ".join(parts)


def _decided(incident: Fields) -> str:
    if not incident.get("action"):
        return ""
    backoff_ms = incident.get("backoff_ms")
    waited = f" after a backoff of {milliseconds(backoff_ms)}" if isinstance(backoff_ms, int | float) else ""
    return f"{incident['action']}{waited}" + (f", asked by {incident['by']}" if incident.get("by") else "")


def _came_of_it(incident: Fields) -> str:
    steps = [
        f"{word} after {milliseconds(incident[name])}"
        for name, word in (("started_ms", "replacement ran"), ("ready_ms", "ready"))
        if isinstance(incident.get(name), int | float)
    ]
    if incident.get("replacement"):
        steps.append(str(incident["replacement"]))
    outcome = _outcome(incident)
    return f"{outcome}: {', '.join(steps)}" if steps else outcome


def _outcome(incident: Fields) -> str:
    """A replacement that was due at once and is ready is a heal; one that had to wait is none."""
    word, backoff_ms = str(incident.get("outcome")), incident.get("backoff_ms")
    if word == "healed" and isinstance(backoff_ms, int | float):
        return "ready again, after the backoff"
    if word == "open" and incident.get("replacement"):
        return "replaced, and not ready"
    return _OUTCOMES.get(word, word)


def _evidence(evidence: Fields) -> Iterator[Line]:
    facts = []
    if evidence.get("state"):
        facts.append(f"state {evidence['state']}")
    if evidence.get("waits_in"):
        facts.append(f"waits in {evidence['waits_in']}")
    if evidence.get("rss"):
        facts.append(f"{size(evidence['rss'])} of memory")
    if facts:
        yield (*_INDENT, (clean(", ".join(facts)), ""))
    for text in str(evidence.get("stack") or "").splitlines():
        yield (*_INDENT, ("  ", ""), (clean(text.expandtabs(4)), "dim"))
    for text in evidence.get("output") or ():
        yield (*_INDENT, ("| ", "dim"), (clean(str(text).expandtabs(4)), "dim"))

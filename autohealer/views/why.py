"""Incidents as stories: what it was, who saw it, what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from autohealer.core.events import Evidence
from autohealer.core.incident import IncidentEntry
from autohealer.views.lines import Line, clean
from autohealer.views.units import ago, duration, milliseconds, size, unix

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


def stories(incidents: Sequence[IncidentEntry]) -> list[list[IncidentEntry]]:
    """Those that were opened within a second of the first of them belong together, the first on top; newest first."""
    found: list[list[IncidentEntry]] = []
    for incident in sorted(incidents, key=lambda incident: incident.opened):
        at = unix(incident.opened)
        first = unix(found[-1][0].opened) if found else None
        if at is not None and first is not None and at - first <= ONE_STORY_S:
            found[-1].append(incident)
        else:
            found.append([incident])
    return found[::-1]


def why_lines(incidents: Sequence[IncidentEntry], now: float | None) -> list[Line]:
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


def _told(incident: IncidentEntry, now: float | None) -> Iterator[Line]:
    yield ((_moment(incident, now), "dim"), ("  ", ""), (clean(_headline(incident)), "title"))
    for text in (_seen(incident), _decided(incident)):
        if text:
            yield (*_INDENT, (clean(text), ""))
    outcome = incident.outcome
    yield (*_INDENT, (clean(_came_of_it(incident)), "heal" if outcome in _GOOD else "bad"))
    yield from _evidence(incident.evidence)


def _moment(incident: IncidentEntry, now: float | None) -> str:
    at = unix(incident.opened)
    if at is None:
        return "--:--:--"
    then = time.localtime(at)
    is_today = now is None or time.localtime(now)[:3] == then[:3]
    clock = time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", then)
    return clock if now is None else f"{clock} ({ago(max(0.0, now - at))})"


def _headline(incident: IncidentEntry) -> str:
    slot, pid = incident.slot, incident.pid
    who = f"worker {incident.worker}" if slot is None else f"worker {slot}"
    if pid is not None:
        who += f" (pid {pid})"
    match incident.kind:
        case "verdict":
            return f"{who} was found faulty: {incident.cause}, {incident.detail}"
        case "spawn":
            return f"{who} could not be started: {incident.detail} ({incident.cause})"
    killed_for_memory = " by the kernel, for want of memory" if incident.exit is not None and incident.exit.oom else ""
    return f"{who} died: {incident.detail}{killed_for_memory}"


def _seen(incident: IncidentEntry) -> str:
    parts = [f"r{incident.revision}, {incident.worker}"]
    if incident.uptime is not None:
        uptime = incident.uptime
        parts.append(f"lived {duration(uptime) if uptime >= 1 else milliseconds(uptime * 1000)}")
    if incident.noticed_by:
        after = incident.noticed_ms
        parts.append(f"seen by {incident.noticed_by}" + (f" after {milliseconds(after)}" if after else ""))
    if incident.kind == "verdict" and incident.exit is not None:
        signal, code = incident.exit.signal, incident.exit.code
        parts.append(f"ended by {signal}" if signal else f"ended with {code}")
    return ", ".join(parts)


def _decided(incident: IncidentEntry) -> str:
    if not incident.action:
        return ""
    backoff_ms = incident.backoff_ms
    waited = f" after a backoff of {milliseconds(backoff_ms)}" if backoff_ms is not None else ""
    return f"{incident.action}{waited}" + (f", asked by {incident.by}" if incident.by else "")


def _came_of_it(incident: IncidentEntry) -> str:
    steps = [
        f"{word} after {milliseconds(took)}"
        for took, word in ((incident.started_ms, "replacement ran"), (incident.ready_ms, "ready"))
        if took is not None
    ]
    if incident.replacement:
        steps.append(str(incident.replacement))
    outcome = _outcome(incident)
    return f"{outcome}: {', '.join(steps)}" if steps else outcome


def _outcome(incident: IncidentEntry) -> str:
    """A replacement that was due at once and is ready is a heal; one that had to wait is none."""
    word, backoff_ms = incident.outcome, incident.backoff_ms
    if word == "healed" and backoff_ms is not None:
        return "ready again, after the backoff"
    if word == "open" and incident.replacement:
        return "replaced, and not ready"
    return _OUTCOMES.get(word, word)


def _evidence(evidence: Evidence) -> Iterator[Line]:
    facts = []
    if evidence.state:
        facts.append(f"state {evidence.state}")
    if evidence.waits_in:
        facts.append(f"waits in {evidence.waits_in}")
    if evidence.rss:
        facts.append(f"{size(evidence.rss)} of memory")
    if facts:
        yield (*_INDENT, (clean(", ".join(facts)), ""))
    for text in (evidence.stack or "").splitlines():
        yield (*_INDENT, ("  ", ""), (clean(text.expandtabs(4)), "dim"))
    for text in evidence.output:
        yield (*_INDENT, ("| ", "dim"), (clean(text.expandtabs(4)), "dim"))

"""The dashboard: a function a panel; how things stand and what has happened in, lines out.

    header     how many run of how many, who leads, ZooKeeper
    agents     every agent with its share, where there are several
    strip      deaths and heals over the last minutes, heal times
    overview   a glyph for every worker, where the table cannot hold them all
    workers    the table
    events     the last events in words
    output     what the chosen worker wrote, in their place
    footer     what was said last, or what the keys do

`frame` gives each the room that there is: the table gets what the others leave, and what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from autohealer.views.controls import Controls, Mode
from autohealer.views.history import History
from autohealer.views.lines import BLANK, Line, Lines, clean, crop, fit, line_width, right, wrap
from autohealer.views.palette import AWAY, BARS, CONNECTED, STATES, event_look, state_look
from autohealer.views.pool import AgentRow, PoolView, Usage
from autohealer.views.table import NARROWEST, WorkerTable
from autohealer.views.text import event_words
from autohealer.views.units import ago, count, duration, milliseconds, number, unix

GAUGE = 24
LABEL = 7
USUAL = 80
"""Narrower than this, words are left out."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a frame is made of. ``now`` is Unix time; ``frame_s`` how long a frame stands, if longer than usual."""

    view: PoolView
    history: History
    controls: Controls
    now: float
    usage: Mapping[int, Usage] = field(default_factory=dict)
    output: Sequence[str] = ()
    leaves_only: bool = False
    frame_s: float = 0.0


def frame(scene: Scene, width: int, height: int) -> Lines:
    """A whole screen: ``height`` lines of at most ``width`` columns."""
    view, controls = scene.view, scene.controls
    above = [*header(scene, width), *agents(view, width, height // 6), *strip(scene, width, tall=height >= 20)]
    below = footer(scene, width)
    room = max(2, height - len(above) - len(below))
    rows = controls.shown(view)
    low = _low_panel_height(room, len(rows) + 1, output=controls.output)
    if len(rows) + 1 > room - low and height >= 30:
        seen = overview(view, width, max(3, height // 7))
        above += seen
        room -= len(seen)
    table = WorkerTable(scene.history.causes, scene.usage, view.here, scene.now, width, several=len(view.agents) > 1)
    body = table.lines(rows, controls, room - low)
    lower = output(scene, width, low) if controls.output else happenings(scene, width, low)
    filler: list[Line] = [BLANK] * (height - len(above) - len(body) - len(lower) - len(below))
    if width >= NARROWEST:
        lines = [*_cropped(above, width), *body, *filler, *_cropped([*lower, *below], width)]
    else:
        lines = _cropped([*above, *body, *filler, *lower, *below], width)
    return Lines((*lines[: max(0, height - len(below))], *lines[-len(below) :]))


def _cropped(lines: Sequence[Line], width: int) -> list[Line]:
    return [crop(line, width) for line in lines]


def header(scene: Scene, width: int) -> list[Line]:
    """How many run of how many; who leads; how ZooKeeper is, and since when."""
    view = scene.view
    wanted = max(0, (view.target or 0) - (view.foreign or 0))
    whole = view.target is not None and view.running >= wanted
    tone = "warm" if view.draining else "good" if whole else "bad"
    running: Line = ((f"{number(view.running)} of {number(view.target)} running", tone),)
    parts: list[Line] = [
        (("autohealer", "title"), (" ", ""), (clean(view.pool), "bold")),
        (*_gauge(view.running, wanted, tone), (" ", ""), *running) if width >= USUAL else running,
    ]
    if view.registered is not None:
        parts.append(((f"{number(view.registered)} registered", ""),))
    if view.foreign:
        parts.append(((f"{number(view.foreign)} foreign", "aside"),))
    if view.draining:
        parts.append((("◌ stopping" if len(view.agents) < 2 else "◌ draining", "warm"),))
    return [*wrap(parts, width), *wrap([_leader(view), _zookeeper(scene)], width)]


def _gauge(running: int, wanted: int, tone: str) -> Line:
    full = GAUGE if running >= wanted else GAUGE * running // wanted
    return ("█" * full, tone), ("░" * (GAUGE - full), "dim")


def _leader(view: PoolView) -> Line:
    if view.leader is None:
        return ("no leader yet", "warm"), ("", "")
    me = " (here)" if view.leader == view.here else ""
    return ("★ ", "aside"), (f"leader {clean(view.leader)}{me}", ""), (f", epoch {view.epoch}", "dim")


def _zookeeper(scene: Scene) -> Line:
    view, since = scene.view, scene.history.zookeeper_since
    look = CONNECTED if view.connected else AWAY
    for_s = view.away_s if view.away_s is not None else None if since is None else scene.now - since
    for_how_long = "" if for_s is None else f" {duration(for_s)}"
    goes_on = "" if view.connected else ", workers go on"
    return (
        (f"{look.glyph} ", look.style),
        (f"ZooKeeper {look.word}{for_how_long}{goes_on}", "" if view.connected else look.style),
        (f" {clean(view.zookeeper)}", "dim"),
    )


def agents(view: PoolView, width: int, most: int) -> list[Line]:
    """The agents with their shares, where there are several, as many as fit in ``most`` lines."""
    if len(view.agents) < 2:
        return []
    lines = [rule("agents", f"{len(view.agents):,}", width)]
    shown = wrap([_agent(agent, view) for agent in view.agents], width)
    lines += shown[: max(1, most)]
    left_out = len(view.agents) - sum(_agents_in(line) for line in lines[1:])
    if left_out > 0:
        lines[-1] = (*lines[-1], (f"   … {left_out:,} more", "dim"))
    return lines


def _agent(agent: AgentRow, view: PoolView) -> Line:
    mark = "★" if agent.agent == view.leader else "●"
    full = agent.share is not None and agent.running is not None and agent.running >= agent.share
    tone = "warm" if agent.draining else "good" if full else "bad"
    return (
        (f"{mark} ", tone),
        (clean(agent.agent), "bold" if agent.agent == view.here else ""),
        (f" {number(agent.running)}/{number(agent.share)}", tone),
        (" draining" if agent.draining else "", "warm"),
    )


def _agents_in(line: Line) -> int:
    return sum(text in {"★ ", "● "} for text, _ in line)


def strip(scene: Scene, width: int, *, tall: bool) -> list[Line]:
    """Deaths and heals over the last minutes, and how long heals took."""
    history = scene.history
    p50, p95 = history.percentile(0.5), history.percentile(0.95)
    times = "no heals yet" if p50 is None or p95 is None else f"p50 {milliseconds(p50)}, p95 {milliseconds(p95)}"
    counts = f"{count(history.deaths, 'death')}, {count(history.heals, 'heal')}, {times}"
    columns = max(10, width - LABEL - 2)
    bucket_s = next(s for s in (1, 2, 5, 10, 15, 30, 60) if s * columns >= 300 or s == 60)
    found = history.strip(scene.now, columns, bucket_s)
    span = f" · the last {duration(bucket_s * columns).split()[0]}" if tall else ""
    title = rule("deaths and heals" if width >= USUAL else "history", counts + span, width)
    died = _bars([deaths for deaths, _ in found])
    healed = _bars([heals for _, heals in found])
    if not tall:
        return [title]
    return [
        title,
        ((fit("died", LABEL), "dim"), (died, "bad")),
        ((fit("healed", LABEL), "dim"), (healed, "heal")),
    ]


def _bars(counts: Sequence[int]) -> str:
    """One death is to be seen beside a hundred: anything at all is a bar."""
    most = max(counts, default=0)
    steps = len(BARS) - 1
    return "".join(BARS[0] if not count else BARS[max(1, round(steps * count / max(most, 4)))] for count in counts)


def overview(view: PoolView, width: int, most: int) -> list[Line]:
    """A glyph for each worker, in order, as many as fit; and how many are in each state."""
    counts = view.states()
    known = (*STATES, *sorted(set(counts) - set(STATES)))
    said = ", ".join(f"{counts[state]:,} {state}" for state in known if counts[state])
    per_line = max(1, width - 2)
    capacity = per_line * (most - 1)
    left_out = f" · … {len(view.rows) - capacity:,} more" if len(view.rows) > capacity else ""
    states = [row.state for row in view.rows[:capacity]]
    chunks = (states[start : start + per_line] for start in range(0, len(states), per_line))
    return [rule("all workers", said + left_out, width), *((("  ", ""), *_glyphs(chunk)) for chunk in chunks)]


def _glyphs(states: Sequence[str]) -> Line:
    """Neighbours of one state as one span."""
    looks = ((state_look(state), len(list(neighbours))) for state, neighbours in groupby(states))
    return tuple((look.glyph * count, look.style) for look, count in looks)


def happenings(scene: Scene, width: int, height: int) -> list[Line]:
    """The last events, the newest at the bottom."""
    if height < 2:
        return []
    latest = scene.history.latest(height - 1)
    lines = [rule("events", "" if latest else "nothing yet", width)]
    for fields in latest:
        look = event_look(str(fields.get("event")))
        at = unix(fields.get("time"))
        when = "" if at is None else ago(scene.now - at)
        lines.append(((right(when, 8), "dim"), (f" {look.glyph} ", look.style), (clean(event_words(fields)), "")))
    return lines


def output(scene: Scene, width: int, height: int) -> list[Line]:
    """The last lines that the chosen worker wrote."""
    if height < 2:
        return []
    chosen = scene.controls.chosen
    name = f"output of slot {chosen[1]}" if chosen else "output"
    latest = list(scene.output)[-(height - 1) :] if height > 1 else []
    lines = [rule(name, "l or Esc closes" if latest else "nothing yet · l or Esc closes", width)]
    return lines + [((" ", ""), (clean(text.expandtabs(4)), "")) for text in latest]


def footer(scene: Scene, width: int) -> list[Line]:
    """What is asked or was said; otherwise what the keys do."""
    controls = scene.controls
    if controls.mode is Mode.FILTER:
        hint = "   Enter keeps it, Esc ends it"
        return [(("filter: ", "key"), (controls.filter, "bold"), ("_", "dim"), (hint, "dim"))]
    if controls.mode is Mode.CONFIRM:
        return [(("restart all workers, one by one? ", "warm"), ("y", "key"), (" yes, any other key no", "dim"))]
    if controls.said:
        return [((clean(controls.said), "warm"),)]
    kept: list[Line] = []
    if controls.filter:
        kept = [
            (
                (f"filter {controls.filter!r}: {len(controls.shown(scene.view)):,} match", "warm"),
                (", Esc ends it", "dim"),
            )
        ]
    stop = "leave" if scene.leaves_only else "stop"
    words = (("q", stop), ("+-", "scale"), ("↑↓", "pick"), ("k", "kill"), ("l", "log"), ("r", "restart"),
             ("/", "find"))  # fmt: skip
    keys: list[Line] = [*kept, *[((key, "key"), (f" {word}", "dim")) for key, word in words]]
    if scene.view.draining:
        keys = [(("Ctrl-C", "key"), (" kills what is left at once", "dim"))]
    if scene.frame_s:
        keys.append(((f"drawn every {scene.frame_s:.1f} s, to leave the CPU to the workers", "dim"),))
    return wrap(keys, width, gap=2)[:1]


def rule(title: str, said: str, width: int) -> Line:
    """The line above a panel."""
    head: Line = (("─ ", "rule"), (title, "title"), (" ", ""), (said, ""), (" " if said else "", ""))
    head = crop(head, width)
    return (*head, ("─" * max(0, width - line_width(head)), "rule"))


def _low_panel_height(room: int, wanted: int, *, output: bool) -> int:
    """The events' share of the room: what the table leaves, and something in any case."""
    least = max(0, min(room // (2 if output else 4), room - 3))
    return max(least, min(room - wanted, room // 2 if output else 20))

"""What ``status`` and ``events`` print: aligned columns, with glyphs where a person reads them on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autohealer.views.lines import BLANK, Line, Span, clean, right, width_of
from autohealer.views.palette import event_look, state_look
from autohealer.views.rendering import Heading, Part, table
from autohealer.views.text import event_evidence, event_words
from autohealer.views.units import ago, clock, duration, unix

Fields = Mapping[str, Any]

UNKNOWN = "-"


AGENT = (Heading("agent"), Heading("host"), Heading("pid", True), Heading("share", True), Heading("running", True),
         Heading("draining"))  # fmt: skip
WORKER = (Heading("slot", True), Heading("state"), Heading("pid", True), Heading("up", True), Heading("restarts", True),
          Heading("registered"), Heading("host"), Heading("worker"))  # fmt: skip


def status_lines(status: Fields, now: float, *, glyphs: bool) -> list[Part]:
    """The pool at a glance, then its agents if there are several, then its workers."""
    lines: list[Part] = [*_head(status)]
    if len(status["agents"]) > 1:
        lines += [BLANK, table(AGENT, (_agent(agent, status["leader"]) for agent in status["agents"]))]
    if status["workers"]:
        lines += [BLANK, table(WORKER, (_worker(worker, now, glyphs=glyphs) for worker in status["workers"]))]
    return lines


def event_lines(fields: Fields, now: float, *, glyphs: bool, is_past: bool = False, utc: bool = False) -> list[Line]:
    """An event with its time, how long ago that was if it ``is_past``; what else it says on indented lines below."""
    look, at = event_look(str(fields.get("event"))), unix(fields.get("time"))
    when = [(f"{right(UNKNOWN if at is None else ago(now - at), 8)}  ", "")] if is_past else []
    glyph = [(f"{look.glyph} ", look.style)] if glyphs else []
    bad = look.style == "bad"
    first: Line = (
        *when,
        (f"{clock(at, now, utc=utc)}  ", "dim"),
        *glyph,
        (clean(event_words(fields)), look.style if bad else ""),
    )
    indent = " " * sum(width_of(text) for text, _ in first[:-1])
    return [first, *((((f"{indent}| ", "dim"), (clean(text.expandtabs(4)), "dim"))) for text in event_evidence(fields))]


def _head(status: Fields) -> list[Line]:
    target, running, foreign = status["target"], status["running"], status["foreign"] or 0
    whole = target is not None and running >= target - foreign
    extra = (f", {foreign} foreign" if foreign else "") + ("" if status["connected"] else ", ZooKeeper away")
    return [
        (
            ("pool ", ""),
            (clean(status["pool"]), "bold"),
            (": ", ""),
            (f"{running} of {_known(target)} running", "good" if whole else "bad"),
            (f", {status['registered']} registered", ""),
            (extra, "aside" if status["connected"] else "bad"),
        ),
        (
            (f"ZooKeeper {clean(status['zookeeper'])}, leader {clean(_known(status['leader']))}, ", ""),
            (f"epoch {_known(status['epoch'])}", "dim"),
        ),
    ]


def _agent(agent: Fields, leader: str | None) -> list[Span]:
    full = agent["share"] is not None and (agent["running"] or 0) >= agent["share"]
    return [
        (str(agent["agent"]) + (" (leader)" if agent["agent"] == leader else ""), "bold"),
        (_known(agent["host"]), ""),
        (_known(agent["pid"]), ""),
        (_known(agent["share"]), ""),
        (_known(agent["running"]), "good" if full else "bad"),
        (_known(agent["draining"]), "warm" if agent["draining"] else "dim"),
    ]


def _worker(worker: Fields, now: float, *, glyphs: bool) -> list[Span]:
    look, started = state_look(str(worker["state"])), unix(worker["started"])
    return [
        (_known(worker["slot"]), "bold"),
        (f"{look.glyph} {look.word}" if glyphs else look.word, look.style),
        (_known(worker["pid"]), ""),
        (UNKNOWN if started is None else duration(now - started).replace(" ", ""), ""),
        (_known(worker["restarts"]), "warm" if worker["restarts"] else "dim"),
        (_known(worker["registered"]), "" if worker["registered"] else "warm"),
        (_known(worker["host"]), "dim"),
        (_known(worker["worker"]), "dim"),
    ]


def _known(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else str(value)

"""A verdict as text, as JSON, and as one HTML page with a timeline."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import asdict

from autohealer.core.notices import WorkerNotice, fields_of
from autohealer.runtime.drill.verdict import DrillVerdict, Touched
from autohealer.runtime.event_log import timestamp
from autohealer.views.lines import clean
from autohealer.views.units import milliseconds, unix

STEPS = (("noticed", "noticed_ms"), ("gone", "decided_ms"), ("replaced", "healed_ms"), ("ready", "ready_ms"))
WIDTH, ROW, LEFT = 760, 26, 200
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>drill {kind}</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}}
table{{border-collapse:collapse}}td,th{{padding:.2rem .8rem .2rem 0;text-align:left}}td.n{{text-align:right}}
.held{{color:#1d6b3a}}.broken{{color:#a12622}}svg{{max-width:100%;height:auto}}</style></head><body>
<h1>Drill: {kind}</h1><p class="{style}"><strong>{outcome}</strong></p><p>{summary}</p>{problems}
<h2>Workers</h2>{table}<h2>Timeline</h2>{timeline}<h2>Events</h2><table>{events}</table></body></html>
"""


def json_text(verdict: DrillVerdict) -> str:
    """All of it as JSON; moments are RFC 3339, durations in the unit that their names say."""
    fields = {name: msgspec.to_builtins(value) for name, value in asdict(verdict).items() if name != "events"}
    fields["events"] = [fields_of(event) for event in verdict.events]
    return json.dumps({**fields, "began": timestamp(verdict.began), "held": verdict.held})


def lines(verdict: DrillVerdict) -> Iterator[str]:
    """What held, and how long each step took."""
    yield clean(_summary(verdict))
    for one in verdict.touched:
        steps = ", ".join(f"{name} after {milliseconds(took)}" for name, took in _steps(one))
        yield clean(f"  {one.worker}: {f'{one.cause}, ' if one.cause else ''}{steps or 'nothing followed'}")
    for problem in verdict.problems:
        yield clean(f"  did not hold: {problem}")
    yield "held" if verdict.held else "DID NOT HOLD"


def page(verdict: DrillVerdict) -> str:
    """One page that needs nothing else."""
    rows = "".join(
        f"<tr><td>{_text(one.worker)}</td><td>{_text(one.cause or '')}</td>"
        + "".join(f'<td class="n">{_took(getattr(one, name))}</td>' for _, name in STEPS)
        + "</tr>"
        for one in verdict.touched
    )
    heads = "".join(f"<th>{name}</th>" for name, _ in STEPS)
    table = (
        f"<table><tr><th>worker</th><th>cause</th>{heads}</tr>{rows}</table>" if rows else "<p>None was touched.</p>"
    )
    events = "".join(
        f"<tr><td>{_clock(event.time)}</td><td>{_text(event.event)}</td>"
        f"<td>{_text((event.notice.worker or '') if isinstance(event.notice, WorkerNotice) else '')}</td></tr>"
        for event in verdict.events
    )
    problems = "".join(f"<li>{_text(problem)}</li>" for problem in verdict.problems)
    return PAGE.format(
        kind=_text(verdict.kind),
        style="held" if verdict.held else "broken",
        outcome="It held." if verdict.held else "It did not hold.",
        summary=_text(_summary(verdict)),
        problems=f"<ul>{problems}</ul>" if problems else "",
        table=table,
        timeline=_timeline(verdict),
        events=events,
    )


def _summary(verdict: DrillVerdict) -> str:
    touched = len(verdict.touched)
    workers = "no worker" if not touched else "1 worker" if touched == 1 else f"{touched} workers"
    return (
        f"drill {verdict.kind}: {workers} of {verdict.target} touched, never fewer than {verdict.lowest} ran, "
        f"{verdict.seconds:.1f} s in all"
    )


def _steps(one: Touched) -> Iterator[tuple[str, float]]:
    for name, field in STEPS:
        if (took := getattr(one, field)) is not None:
            yield name, took


def _timeline(verdict: DrillVerdict) -> str:
    """A row for each worker that was touched, a mark for each step, on one axis from the fault to the end."""
    longest = max([took for one in verdict.touched for _, took in _steps(one)], default=verdict.seconds * 1000) or 1.0
    scale = (WIDTH - LEFT - 90) / longest
    parts = []
    for row, one in enumerate(verdict.touched):
        y = 20 + row * ROW
        parts.append(f'<text x="0" y="{y + 4}">{_text(one.worker)}</text>')
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - 90}" y2="{y}" stroke="#ccd3dd"/>')
        for name, took in _steps(one):
            x = LEFT + took * scale
            title = f"<title>{name}: {milliseconds(took)}</title>"
            parts.append(f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="#2f7d4f">{title}</circle>')
    height = 40 + len(verdict.touched) * ROW
    end = f'<text x="{WIDTH - 90}" y="{height - 6}">{milliseconds(longest)}</text>'
    axis = f'<text x="{LEFT}" y="{height - 6}">0</text>{end}'
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="Steps after the fault">{"".join(parts)}{axis}</svg>'
    )


def _took(value: float | None) -> str:
    return "" if value is None else milliseconds(value)


def _clock(moment: str | None) -> str:
    at = unix(moment)
    return "" if at is None else datetime.fromtimestamp(at).strftime("%H:%M:%S.%f")[:-3]


def _text(text: str) -> str:
    return html.escape(clean(text))

"""A report as one HTML file: no script, nothing from elsewhere, light or dark as the reader has it, for any width."""

from __future__ import annotations

from collections.abc import Sequence

from autohealer import __version__
from autohealer.views.report import plots
from autohealer.views.report.model import Bucket, Gap, Report, SlotStory, buckets
from autohealer.views.report.plots import text
from autohealer.views.report.words import bucket_range, clock, day, length, notes, percent, tick, window
from autohealer.views.units import count, milliseconds

SHOWN_SLOTS = 60
SHOWN_CAUSES = 12
SHOWN_GAPS = 10
TITLED_GAPS = 500
"""So many of the gaps in the timeline, the longest, say what they were when they are pointed at."""
TICKS = 5

STYLE = """
:root { color-scheme: light dark; --page: #f6f8fa; --card: #fff; --ink: #1a2230; --dim: #5a6675; --line: #dde3ea;
  --up: #2f7fc1; --soft: #d5e6f5; --down: #d1480c; --heal: #0d857d; --unknown: #8d99a6; }
@media (prefers-color-scheme: dark) { :root { --page: #0f141a; --card: #171e26; --ink: #e7ecf3; --dim: #9aa6b4;
  --line: #2b3541; --up: #5aa9e6; --soft: #203a52; --down: #ff8150; --heal: #45c4b8; --unknown: #7d8996; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 40px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 12px; }
h2 small { font-weight: normal; color: var(--dim); font-size: 13px; margin-left: 6px; }
p, ul { margin: 4px 0; } .dim, footer { color: var(--dim); font-size: 13px; }
.notes { padding-left: 18px; font-size: 14px; } .notes li { margin: 2px 0; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px;
  margin-top: 16px; }
.figures { display: grid; grid-template-columns: repeat(8, 1fr); gap: 10px; margin-top: 16px; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 12px; }
.figures b { display: block; font-size: 20px; font-weight: 650; white-space: nowrap; }
.figures span { color: var(--dim); font-size: 13px; }
svg { display: block; width: 100%; }
svg.levels { height: 150px; border-bottom: 1px solid var(--line); } svg.deaths { height: 44px; margin-top: 6px; }
svg.bar { height: 14px; } svg.slot { height: 20px; }
.levels .up { fill: var(--soft); stroke: var(--up); stroke-width: 1.2; vector-effect: non-scaling-stroke; }
.levels .unknown { fill: var(--unknown); opacity: .35; }
.levels .target { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 3;
  vector-effect: non-scaling-stroke; }
.up { fill: var(--up); } .down, .died { fill: var(--down); } .heal { fill: var(--heal); }
.unknown { fill: var(--unknown); }
.tick { fill: none; stroke: var(--down); stroke-width: 1.3; vector-effect: non-scaling-stroke; }
.axis { display: flex; justify-content: space-between; color: var(--dim); font-size: 12px; padding-top: 3px; }
.plot { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: 8px; }
.scale { display: flex; flex-direction: column; justify-content: space-between; color: var(--dim); font-size: 12px;
  text-align: right; min-width: 3ch; }
.rows { display: grid; align-items: center; column-gap: 10px; row-gap: 3px; font-size: 14px; }
.histogram { grid-template-columns: max-content minmax(0, 1fr) max-content; }
.slots { grid-template-columns: max-content minmax(0, 1fr) max-content max-content; }
.rows > span { white-space: nowrap; } .rows .figure { text-align: right; } .head { color: var(--dim); font-size: 12px; }
.tag { border: 1px solid var(--line); border-radius: 4px; padding: 0 4px; margin-left: 4px; color: var(--dim);
  font-size: 12px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { color: var(--dim); font-weight: normal; font-size: 12px; } th, td { text-align: right; padding: 3px 6px;
  white-space: nowrap; } td { border-top: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.cause { text-align: left; white-space: normal;
  overflow-wrap: anywhere; min-width: 9em; } th.cause { text-align: left; } td.wide { width: 30%; min-width: 60px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 10px; color: var(--dim); font-size: 13px; }
.key span { display: inline-flex; align-items: center; gap: 6px; } .key svg { width: 26px; height: 16px; }
footer { margin-top: 20px; }
@media (max-width: 900px) { .figures { grid-template-columns: repeat(4, 1fr); } }
@media (max-width: 560px) { main { padding: 14px 10px 28px; } section { padding: 12px 10px; }
  .axis span:nth-child(even) { display: none; } .narrow { display: none; } .rows { column-gap: 6px; font-size: 13px; }
  .figures { grid-template-columns: repeat(2, 1fr); } table { font-size: 13px; } th, td { padding: 3px 4px; }
  td.cause { min-width: 7em; } }
"""


def report_page(report: Report, pool: str, now: float) -> str:
    """The whole file; ``now`` is when it was made, in Unix time."""
    agent = f" on {text(report.agent)}" if report.agent else ""
    said = "".join(f"<li>{text(note)}</li>" for note in notes(report))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{text(pool)}: {percent(report.availability)} available</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>Pool {text(pool)}</h1>
<p class="dim">{length(report.length_s)}{agent}: {window(report)}</p>
{f'<ul class="notes">{said}</ul>' if said else ""}
{_figures(report)}
{_levels(report)}
{_causes(report)}
{_histogram(report)}
{_timeline(report)}
{_gaps(report)}
<footer>
<p>Available: of the worker-time that was wanted the part in which workers ran, without what is unknown. A faulty worker
counts as down from when it was found out. Time to heal: from a worker's death to its replacement running. A slot is the
place of one worker. All from the event log of one host, {count(report.reading.events, "event")}.</p>
<p>Made by autohealer {__version__} at {day(now)} {clock(now)} UTC.</p>
</footer>
</main>
</body>
</html>
"""


def _figures(report: Report) -> str:
    times = report.times
    figures = [
        ("available", percent(report.availability)),
        ("below target", length(report.below_s) if report.below_s else "never"),
        ("deaths", f"{len(report.deaths):,}"),
        ("heals", f"{len(times):,}"),
    ]
    for name, part in (("heal p50", 0.5), ("heal p95", 0.95), ("heal p99", 0.99), ("longest heal", 1.0)):
        figures.append((name, _time(times.percentile(part))))
    tiles = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for name, value in figures)
    return f'<div class="figures">{tiles}</div>'


def _time(ms: float | None) -> str:
    return "-" if ms is None else milliseconds(ms)


def _levels(report: Report) -> str:
    columns = plots.columns_of(report.levels, report.since, report.until)
    if not columns:
        return ""
    top = max(column.height for column in columns)
    grey = "; grey: unknown" if report.unknown_s else ""
    deaths, most = plots.deaths_plot(report.deaths, report.since, report.until)
    died = f"""<div class="scale"><span>{most:,}</span><span>0</span></div><div>{deaths}</div>
<div></div><p class="dim">deaths in every {length(report.length_s / (plots.COLUMNS // 2))}</p>"""
    return f"""<section>
<h2>Running <small>on average in every {length(report.length_s / plots.COLUMNS)}; dashed: the target{grey}</small></h2>
<div class="plot">
<div class="scale"><span>{top:.0f}</span><span>0</span></div>
<div>{plots.levels_plot(columns)}</div>
<div></div>{_axis(report)}
{died if report.deaths else ""}
</div>
</section>"""


def _axis(report: Report) -> str:
    """Moments at equal distances."""
    step = report.length_s / (TICKS - 1)
    moments = (tick(report.since + i * step, report.length_s) for i in range(TICKS))
    return f'<div class="axis">{"".join(f"<span>{moment}</span>" for moment in moments)}</div>'


def _causes(report: Report) -> str:
    if not report.causes:
        return '<section><h2>Heals by cause</h2><p class="dim">Nobody died.</p></section>'
    shown, rest = report.causes[:SHOWN_CAUSES], report.causes[SHOWN_CAUSES:]
    most = max(story.deaths for story in shown) or 1
    rows = []
    for story in shown:
        times = (("", 0.5), (' class="narrow"', 0.95), (' class="narrow"', 1.0))
        cells = "".join(f"<td{kind}>{_time(story.heals.percentile(part))}</td>" for kind, part in times)
        rows.append(
            f'<tr><td class="cause">{text(story.cause)}</td><td>{story.deaths:,}</td>'
            f'<td class="wide narrow">{plots.bar(story.deaths / most, "died")}</td><td>{len(story.heals):,}</td>'
            f"{cells}<td>{length(story.down_s)}</td></tr>"
        )
    left_out = (
        f'<p class="dim">… {count(len(rest), "more cause")} with {count(sum(s.deaths for s in rest), "death")}</p>'
        if rest
        else ""
    )
    return f"""<section>
<h2>Heals by cause</h2>
<div class="scroll"><table>
<tr><th class="cause">cause</th><th>deaths</th><th class="narrow"></th><th>heals</th><th>p50</th>
<th class="narrow">p95</th><th class="narrow">longest</th><th>slots down</th></tr>
{"".join(rows)}
</table></div>{left_out}
</section>"""


def _histogram(report: Report) -> str:
    found = buckets(report.times)
    if not found:
        return ""
    most = max(bucket.heals for bucket in found)
    rows = "".join(
        f'<span class="figure">{bucket_range(bucket)}</span>{plots.bar(bucket.heals / most, "heal")}'
        f"<span>{bucket.heals:,}{_tags(bucket, report)}</span>"
        for bucket in found
    )
    return f"""<section>
<h2>Time to heal <small>from a death to its replacement running</small></h2>
<div class="rows histogram">{rows}</div>
</section>"""


def _tags(bucket: Bucket, report: Report) -> str:
    """Which percentiles fall into it."""
    named = ((name, report.times.percentile(part)) for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)))
    return "".join(
        f'<span class="tag">{name}</span>' for name, ms in named if ms is not None and bucket.low <= ms < bucket.high
    )


def _timeline(report: Report) -> str:
    if not report.slots:
        return ""
    worst = report.worst_slots()
    shown = sorted(worst[:SHOWN_SLOTS], key=lambda story: story.slot)
    titled = frozenset(report.gaps()[:TITLED_GAPS])
    rows = "".join(_slot(story, report, titled) for story in shown)
    rest = worst[SHOWN_SLOTS:]
    left_out = (
        f'<p class="dim">… {count(len(rest), "more slot")}, which fared better: '
        f"{count(sum(len(story.deaths) for story in rest), 'death')}, "
        f"down for {length(sum(story.down_s for story in rest))} in all.</p>"
        if rest
        else ""
    )
    few = f" <small>the {len(shown)} that fared worst of {len(report.slots):,}</small>" if rest else ""
    return f"""<section>
<h2>Timeline by slot{few}</h2>
<div class="rows slots">
<span class="head figure">slot</span><span></span><span class="head figure">available</span>
<span class="head figure">deaths</span>
{rows}
<span></span>{_axis(report)}<span></span><span></span>
</div>{left_out}
{_key(shown)}
</section>"""


def _slot(story: SlotStory, report: Report, titled: frozenset[Gap]) -> str:
    drawn = plots.slot_plot(story, report, titled)
    return (
        f'<span class="figure">{story.slot}</span>{drawn}'
        f'<span class="figure">{percent(story.availability)}</span><span class="figure">{len(story.deaths):,}</span>'
    )


def _key(shown: Sequence[SlotStory]) -> str:
    """What is in the drawings, each in its shape."""
    kinds = [
        ("up", '<path class="up" d="M0 8H1000v8H0Z"/>', any(story.up for story in shown)),
        ("a worker died", '<path class="tick" d="M500 0v6"/><path class="up" d="M0 8H1000v8H0Z"/>',
         any(story.deaths for story in shown)),
        ("down", '<path class="down" d="M0 5H1000v14H0Z"/>', any(story.gaps for story in shown)),
        ("unknown", '<path class="unknown" d="M0 11H1000v2H0Z"/>', any(story.unknown for story in shown)),
    ]  # fmt: skip
    drawn = "".join(
        f'<span><svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">{shape}</svg>{name}</span>'
        for name, shape, is_there in kinds
        if is_there
    )
    return f'<div class="key">{drawn}<span>nothing: not wanted</span></div>'


def _gaps(report: Report) -> str:
    gaps = report.gaps()
    if not gaps:
        return ""
    rows = "".join(
        f"<tr><td>{clock(gap.begin)}</td><td>{gap.slot}</td><td>{length(gap.length_s)}</td>"
        f'<td class="cause">{text(gap.cause)}</td></tr>'
        for gap in gaps[:SHOWN_GAPS]
    )
    of = f" <small>{SHOWN_GAPS} of {len(gaps):,}</small>" if len(gaps) > SHOWN_GAPS else ""
    return f"""<section>
<h2>Longest gaps{of}</h2>
<div class="scroll"><table>
<tr><th>from (UTC)</th><th>slot</th><th>for</th><th class="cause">cause</th></tr>
{rows}
</table></div>
</section>"""

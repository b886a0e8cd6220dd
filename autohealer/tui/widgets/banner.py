"""Whether all is as wanted, at once; and if not, why, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from autohealer.tui.findings import FindingLine, OtherPool, findings, headline
from autohealer.tui.state import moment
from autohealer.tui.widgets.panel import Panel
from autohealer.views.lines import Line, Span, clean, crop, fit, line_width, width_of
from autohealer.views.units import count, duration, number

GAUGE = 28
INDENT = 3
MIDDLE, WIDE = 80, 100
# How a part of the gauge looks: its glyph tells as much as its colour.
PARTS = (("running", "█", "good"), ("unready", "▓", "warm"), ("starting", "▒", "heal"), ("stopping", "▒", "warm"),
         ("backoff", "░", "bad"))  # fmt: skip


class Banner(Panel):
    """The lines on top: the pool, how many run of how many, all that is not as wanted."""

    def room(self, width: int, height: int) -> int:
        """How many lines it takes of a screen of this size."""
        most = 2 if height < 20 else 4 if height < 34 else 6
        found = sum(len(finding_lines(finding, width)) for finding in findings(self.state, self.dashboard.now()))
        facts = 2 if height >= 20 else 1
        return 1 + facts + min(found, most) + bool(self.dashboard.others)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Title, headline, facts, findings."""
        found = findings(self.state, self.dashboard.now())
        left = [finding_lines(finding, width) for finding in found]
        lines = [self._title(width), self._headline(width, found)]
        others = [others_line(self.dashboard.others, width)] if self.dashboard.others else []
        height -= len(others)
        # Where there is room for little, why it is not as wanted comes first.
        if height > 2 + min(2, sum(map(len, left))):
            lines.append(crop(self._facts(), width))
        while left and len(lines) < height:
            lines += left.pop(0)[: height - len(lines)]
        if left and len(left) < len(found):
            more = f" … {len(left)} more"
            lines[-1] = (*crop(lines[-1], width - len(more)), (more, "dim"))
        return [*lines, *others]

    def _title(self, width: int) -> Line:
        dashboard, status = self.dashboard, self.state.status
        left: Line = (("◆ autohealer ", "brand"), (" ", ""), (clean(status.pool or dashboard.pool), "bold"))
        if status.rollout is None and (revision := self._revision()):
            left = (*left, (f"  {revision}", "dim"))
        right: list[Span] = []
        if url := self.state.here.http:
            right += [(f"http://{clean(url)}" if "//" not in url else clean(url), "key"), ("  ", "")]
        if dashboard.said:
            right = [(clean(dashboard.said), "warm"), ("  ", "")]
        right += [(dashboard.clock_text(), "dim")]
        gap = width - line_width(left) - sum(width_of(text) for text, _ in right)
        if gap < 1:
            right, gap = right[-1:] if not dashboard.said else right[:1], 1
        return crop((*left, (" " * max(1, width - line_width(left) - line_width(tuple(right))), ""), *right), width)

    def _revision(self) -> str:
        revisions = {worker.revision for worker in self.state.rows.values() if worker.revision is not None}
        return ", ".join(f"r{revision}" for revision in sorted(revisions)[-2:])

    def _headline(self, width: int, found: Sequence[FindingLine]) -> Line:
        head = headline(self.state)
        if not self.state.is_known:
            return ((" ◐ CONNECTING ", "badge-heal"),)
        tone = next((f.tone for f in found if f.tone == "bad"), next((f.tone for f in found), head.tone))
        if head.tone == "bad":
            tone = "bad"
        if head.tone == "good" and tone in ("good", "heal"):
            badge: Span = (" ● ALL AS WANTED ", "badge-good") if not found else (f" {found[0].glyph} WORKING ",
                                                                                "badge-heal")  # fmt: skip
        elif tone == "bad":
            badge = (" ✗ NOT AS WANTED ", "badge-bad")
        elif head.tone == tone == "heal":
            rows = self.state.rows.values()
            is_first = not any(worker.restarts for worker in rows if worker.state == "starting")
            badge = (" ◐ STARTING " if is_first else " ◐ HEALING ", "badge-heal")
        else:
            badge = (" ◌ STOPPING ", "badge-warm") if self.state.here.draining else (" ! ATTENTION ", "badge-warm")
        line: Line = (badge, ("  ", ""), (head.words, "bold" if head.tone == "good" else head.tone))
        rest: Line = (("  ", ""), *self._counts())
        if width >= WIDE:
            rest = (("  ", ""), *self._gauge(), *rest)
        return crop((*line, *rest), width)

    def _gauge(self) -> Line:
        counts = {name: 0 for name, _, _ in PARTS}
        for worker in self.state.rows.values():
            name = "unready" if worker.state == "running" and worker.ready is False else worker.state
            if name in counts:
                counts[name] += 1
        counts["running"] += self.state.elsewhere
        total = max(self.state.wanted, sum(counts.values()), 1)
        spans: list[Span] = []
        filled = so_far = 0
        for name, glyph, tone in PARTS:
            so_far += counts[name]
            end = so_far * GAUGE // total
            if counts[name] and end == filled and filled < GAUGE:
                end += 1  # one in a thousand is seen, too
            spans.append((glyph * (end - filled), tone))
            filled = end
        return (*spans, ("·" * (GAUGE - filled), "rule"))

    def _counts(self) -> Line:
        status = self.state.status
        parts: list[Span] = []
        knows_all = not self.state.elsewhere
        ready = sum(worker.ready is True for worker in self.state.rows.values())
        if knows_all and any(worker.ready is not None for worker in self.state.rows.values()):
            parts.append((f"{ready:,} ready", ""))
        if knows_all and status.registered is not None:
            parts.append((f"{number(status.registered)} registered", ""))
        if status.foreign:
            parts.append((f"{number(status.foreign)} foreign", "aside"))
        if status.spares:
            parts.append((f"{number(status.spares)} spare", "aside"))
        return tuple(span for part in parts for span in ((part, (" · ", "dim"))))[:-1] if parts else ()

    def _facts(self) -> Line:
        status, now = self.state.status, self.dashboard.now()
        spans: list[Span] = []
        if status.leader is None:
            spans.append(("☆ no leader yet", "warm"))
        else:
            here = " (here)" if status.leader == self.state.here.agent else ""
            spans.append((f"★ leader {clean(status.leader)}{here}", ""))
        since = moment(self.state.here.away_since) if not status.connected else self.state.history.zookeeper_since
        lasts = f" {duration(now - since)}" if since is not None else ""
        glyph, tone, word = ("●", "good", "connected") if status.connected else ("▲", "bad", "away")
        spans += [(" · ", "dim"), (f"{glyph} ", tone), (f"ZooKeeper {clean(status.zookeeper or '?')}", ""),
                  (f" {word}{lasts}", "dim")]  # fmt: skip
        if len(status.agents) > 1:
            spans.append((" · ", "dim"))
            agents = [
                f"{clean(status.name_of(a.agent))} {number(a.running)}/{number(a.share)}{' ◌' if a.draining else ''}"
                for a in status.agents
            ]
            spans.append((f"{len(agents)} agents: {', '.join(agents)}", ""))
        return tuple(spans)


def others_line(others: Sequence[OtherPool], width: int) -> Line:
    """Which other pools of this agent are not as wanted, as many by name as there is room for, and the key to them."""
    head = count(len(others), "other pool") + (" not as wanted: " if width >= MIDDLE else ": ")
    key: Line = (("  p", "key"), (" shows them", "dim"))[: 2 if width >= MIDDLE else 1]
    room = width - INDENT - width_of(head) - line_width(key)
    ordered = sorted(others, key=lambda pool: (pool.brief, pool.name))
    words = ""
    for named in range(len(ordered), 0, -1):
        words = _named(ordered[:named], len(ordered) - named)
        if width_of(words) <= room:
            break
    return ((" ✗ ", "bad"), (head + fit(words, min(room, width_of(words))), "bad"), *key)


def _named(pools: Sequence[OtherPool], more: int) -> str:
    """The pools, those of which the same is to be said together: ``mail, web (1 of 3)``."""
    alike = [(brief, [pool.name for pool in same]) for brief, same in groupby(pools, key=lambda pool: pool.brief)]
    parts = [f"{clean(', '.join(names))} ({brief})" for brief, names in alike]
    return ", ".join([*parts, f"{more} more"] if more else parts)


def finding_lines(finding: FindingLine, width: int) -> list[Line]:
    """The words and the detail; on a second line what has no room on the first, the detail whole."""
    words, room = clean(finding.words), width - INDENT
    detail = f"  · {clean(finding.detail)}" if finding.detail else ""
    if width_of(words) + width_of(detail) <= room:
        return [((f" {finding.glyph} ", finding.tone), (words, finding.tone), (detail, "dim"))]
    cut = len(words)
    while width_of(words[:cut]) > room:
        cut -= 1
    if cut < len(words) and (blank := words.rfind(" ", room // 2, cut + 1)) > 0:
        cut = blank
    rest = fit(words[cut:].lstrip(), room - width_of(detail)).rstrip() if cut < len(words) else ""
    second: Line = ((" " * INDENT, ""), (rest, finding.tone), (detail if rest else detail.strip(), "dim"))
    return [((f" {finding.glyph} ", finding.tone), (words[:cut], finding.tone)), crop(second, width)]

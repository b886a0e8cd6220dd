"""Events in, a report out: its figures, whatever the log has been through, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.runtime.event_log import timestamp
from autohealer.views.lines import width_of
from autohealer.views.rendering import rendered
from autohealer.views.report.data import report_json
from autohealer.views.report.measure import report
from autohealer.views.report.model import Bucket, HealTimes, Report, buckets
from autohealer.views.report.page import report_page
from autohealer.views.report.text import report_parts
from autohealer.views.report.timeline import CellMark, cells
from autohealer.views.report.words import bucket_range, length, notes, percent

BEGIN = 1_767_323_000.0
ME = "web1-k3x9qa"
Event = dict[str, Any]


def shown(found: Report, pool: str, width: int, *, glyphs: bool = True) -> str:
    """The report as it is printed, without its colours."""
    parts = report_parts(found, pool, width)
    return rendered(parts, styled=False, encoding="utf-8" if glyphs else "ascii", width=width)


@dataclass
class Writer:
    """Writes a log as an agent does. ``at`` is in seconds from the beginning."""

    events: list[Event] = field(default_factory=list)
    lives: dict[int, tuple[str, float]] = field(default_factory=dict)
    faulty: dict[int, str] = field(default_factory=dict)
    count: int = 0

    def say(self, at: float, event: str, **fields: object) -> Writer:
        self.events.append({"time": timestamp(BEGIN + at), "event": event, **fields})
        return self

    def agent(self, at: float, target: int) -> Writer:
        """An agent begins, alone, and the target is what it was told or found."""
        self.say(at, "zookeeper.connected", session_timeout=6.0, resumed=False)
        self.say(at, "target.changed", target=target, former=None)
        return self.plan(at, target)

    def plan(self, at: float, share: int) -> Writer:
        return self.say(at, "plan.changed", target=share, foreign=0, shares={ME: share})

    def start(self, at: float, *slots: int, heal_ms: float | None = None, ready: bool = True) -> Writer:
        healed = {} if heal_ms is None else {"heal_ms": heal_ms}
        for slot in slots:
            self.count += 1
            self.lives[slot] = (f"{ME}-{slot}-5f2e1{self.count:x}", at)
            self._worker(at, "worker.started", slot, **healed)
            if ready:
                self._worker(at, "worker.ready", slot)
        return self

    def die(self, at: float, slot: int, *, code: int | None = None, signal: str | None = "SIGKILL") -> Writer:
        uptime = at - self.lives[slot][1]
        cause = self.faulty.pop(slot, None) or signal or ("ended" if code is None else f"exit {code}")
        return self._worker(at, "worker.exited", slot, code=code, signal=signal, uptime=uptime, cause=cause)

    def stop(self, at: float, slot: int) -> Writer:
        return self._worker(at, "worker.stopped", slot, code=None, signal="SIGTERM", uptime=at - self.lives[slot][1])

    def fault(self, at: float, slot: int) -> Writer:
        self.faulty[slot] = "registration"
        return self._worker(at, "worker.faulty", slot, cause="registration", detail="lost", evidence=None)

    def adopt(self, at: float, *slots: int) -> Writer:
        for slot in slots:
            self._worker(at, "worker.adopted", slot)
        return self

    def lines(self) -> list[str]:
        return [json.dumps(event) for event in self.events]

    def report(self, until: float, since: float | None = None, **how: Any) -> Report:
        found = report(self.lines(), BEGIN + until, None if since is None else BEGIN + since, **how)
        assert found is not None
        return found

    def _worker(self, at: float, event: str, slot: int, **fields: object) -> Writer:
        return self.say(at, event, worker=self.lives[slot][0], pid=4000 + slot, slot=slot, **fields)


def two_of_which_one_dies() -> Writer:
    """Two workers for a hundred seconds, one of them away for ten."""
    return Writer().agent(0, 2).start(0, 0, 1).die(40, 1).start(50, 1, heal_ms=10_000.0)


def near(value: object) -> Any:
    """Times have microseconds, and what is as long ago as 1970 is known a little less well."""
    return pytest.approx(value, abs=1e-4)


def figures(found: Report) -> tuple[float, ...]:
    """Those that add up over windows that follow each other."""
    return found.wanted_s, found.running_s, found.unknown_s, found.below_s, len(found.deaths), len(found.heals)


# ---- what is counted


def test_availability() -> None:
    """Worker-time, not time: one of two was away for a tenth of it."""
    found = two_of_which_one_dies().report(100)
    assert found.availability == near(0.95)
    assert (found.wanted_s, found.running_s, found.below_s) == (
        near(200),
        near(190),
        near(10),
    )
    assert [(gap.slot, gap.cause, near(gap.length_s)) for gap in found.gaps()] == [(1, "SIGKILL", 10)]
    assert {story.slot: story.availability for story in found.slots} == {0: 1.0, 1: near(0.9)}
    assert (len(found.deaths), len(found.heals), found.times.percentile(0.5)) == (1, 1, 10_000.0)


def test_a_window() -> None:
    """What was before it is known, and not counted."""
    found = two_of_which_one_dies().report(100, since=45)
    assert found.length_s == near(55)
    assert found.below_s == near(5)
    assert (len(found.deaths), len(found.heals)) == (0, 1)
    assert found.gaps()[0].cause == "SIGKILL"
    assert notes(found) == []


def test_a_window_that_begins_before_the_log() -> None:
    """It says what it covers."""
    found = two_of_which_one_dies().report(100, since=-500)
    assert found.length_s == near(100)
    assert notes(found) == ["the log goes back no further than 1m 40s: that is what this report covers"]


def test_a_faulty_worker_is_down_from_when_it_is_found() -> None:
    """Its shutdown takes a while, and its death has the fault as its cause."""
    found = Writer().agent(0, 1).start(0, 0).fault(20, 0).die(30, 0).start(30, 0, heal_ms=0.7).report(100)
    assert found.availability == near(0.9)
    assert [(s.cause, s.deaths, len(s.heals), near(s.down_s)) for s in found.causes] == [("registration", 1, 1, 10)]


def test_what_is_stopped_as_asked_is_no_death() -> None:
    """Nor is it missed where fewer are wanted; the heal of an exchanged worker is one, with its cause."""
    log = Writer().agent(0, 3).start(0, 0, 1, 2).plan(50, 2).stop(50.5, 2)
    log.stop(60, 0).start(60.1, 0, heal_ms=1.0)
    found = log.report(100)
    assert (len(found.deaths), len(found.heals)) == (0, 1)
    assert found.below_s == near(0.1)
    assert [story.slot for story in found.slots if story.gaps] == [0]
    assert found.causes[0].cause == "asked to stop"


def test_an_extra_worker_fills_in() -> None:
    """As in a rolling restart: a slot has a gap, and the pool has none."""
    found = Writer().agent(0, 1).start(0, 0).start(10, 1).stop(20, 0).start(30, 0, heal_ms=1.0).stop(40, 1).report(50)
    assert (found.availability, found.below_s) == (1.0, 0.0)
    assert [gap.length_s for gap in found.gaps()] == [near(10)]


def test_a_new_slot_has_not_started_yet() -> None:
    """That is no death's gap."""
    found = Writer().agent(0, 1).start(0, 0).plan(10, 2).start(12, 1).report(20)
    assert [(gap.slot, gap.cause) for gap in found.gaps()] == [(1, "not started yet")]
    assert found.causes == ()
    assert found.below_s == near(2)


def test_a_start_that_failed() -> None:
    """Its reason is all there is to tell."""
    log = Writer().agent(0, 1)
    log.say(1, "worker.backoff", worker=None, pid=None, slot=0, delay=4.0, reason="no memory").start(5, 0)
    gap = log.report(10).gaps()[0]
    assert (gap.cause, gap.length_s) == ("no memory", near(5))


def test_a_share_among_several_agents() -> None:
    """The log is one agent's: of the plan its own share counts."""
    log = Writer().say(0, "plan.changed", target=10, foreign=0, shares={"other-abcdef": 9, ME: 1}).start(0, 0)
    assert log.report(10).most_wanted == 1


# ---- agents that come and go


def test_after_its_end_a_pool_is_not_missed() -> None:
    """Nor before the next one begins."""
    log = Writer().agent(0, 1).start(0, 0).say(50, "agent.draining", agent=ME, cause="SIGTERM").stop(51, 0)
    log.agent(90, 1).start(90, 0)
    found = log.report(100)
    assert (found.availability, found.unknown_s) == (1.0, 0.0)
    assert found.wanted_s == near(60)
    assert [ending.cause for ending in found.endings] == ["SIGTERM"]


def test_a_drain_that_was_undone() -> None:
    """While it lasts nothing is wanted; where the plan stays what it was, only the workers tell of its end."""
    log = Writer().agent(0, 1).start(0, 0).say(20, "agent.draining", agent=ME, cause="autohealer drain").stop(21, 0)
    found = log.start(60, 0, heal_ms=39_000.0).die(70, 0).start(80, 0, heal_ms=10_000.0).report(100)
    assert (found.wanted_s, found.running_s, found.endings) == (near(60), near(50), ())


def test_adopted_workers_were_up_all_along() -> None:
    """And of one that was not adopted nobody knows when it ended."""
    log = Writer().agent(0, 2).start(0, 0, 1).say(30, "zookeeper.suspended")
    log.adopt(60, 0).agent(60, 2).start(62, 1)
    found = log.report(100)
    assert found.unknown_s == near(30)
    assert found.wanted_s == near(170)
    assert found.below_s == near(2)
    assert [(gap.slot, gap.cause, near(gap.length_s)) for gap in found.gaps()] == [(1, "unseen", 2)]
    assert cells(found.slots[1], BEGIN, BEGIN + 100, 10)[4].mark is CellMark.UNKNOWN
    assert "of 30 s of worker-time nothing is known" in notes(found)[0]


def test_a_machine_that_was_switched_off() -> None:
    """Nobody is adopted: from the last word of the one life to the first of the next, nothing is known."""
    log = Writer().agent(0, 1).start(0, 0).say(20, "zookeeper.suspended").agent(80, 1).start(81, 0)
    found = log.report(100)
    assert found.unknown_s == near(60)
    assert found.below_s == near(1)


def test_without_an_agent_the_log_is_all_there_is() -> None:
    """It ends with its last event, whatever time it is."""
    found = two_of_which_one_dies().report(5000, is_watched=False)
    assert found.length_s == near(50)
    assert "no agent runs here now" in notes(found)[0]
    assert report(two_of_which_one_dies().lines(), BEGIN + 5000, BEGIN + 4000, is_watched=False) is None


# ---- logs that have been through something


def test_a_log_that_was_cut() -> None:
    """Who ends was up for as long as it says; who runs now and is not mentioned, all along."""
    log = two_of_which_one_dies()
    log.events = log.events[7:]
    assert log.events[0]["event"] == "worker.exited"
    log.events.insert(0, {"time": timestamp(BEGIN + 10), "event": "zookeeper.suspended"})
    found = log.report(100, standing={0: log.lives[0][0], 1: log.lives[1][0]})
    assert found.wanted_s == near(180)
    assert found.availability == near(170 / 180)
    assert found.target_guessed
    assert "taken for 2" in notes(found)[0]


def test_a_line_that_was_lost() -> None:
    """A worker takes the place of one whose end was not written: nobody knows since when."""
    log = two_of_which_one_dies().say(70, "zookeeper.suspended").start(90, 0)
    assert log.report(100).unknown_s == near(20)


def test_a_clock_that_is_set_back() -> None:
    """What went before is drawn too short, and nothing is lost or negative."""
    log = two_of_which_one_dies()
    for event in log.events[:-1]:
        event["time"] = event["time"].replace("2026", "2027")
    found = log.report(100)
    assert (found.length_s, len(found.deaths), len(found.heals)) == (near(50), 1, 1)
    assert "the clock was set back by" in notes(found)[-1]


def test_odd_lines_are_passed_over() -> None:
    """Torn, of another version, or hostile."""
    odd = ["", "{", "[]", "7", '{"time": 5}', '{"time": "yesterday", "event": "worker.exited"}', "\x00" * 9,
           '{"event": "worker.exited"}', "[" * 100_000, '{"time": "9999-12-31T23:59:59Z", "event": 7}']  # fmt: skip
    lines = two_of_which_one_dies().lines()
    mixed = [part for line in lines for part in (*odd, line)]
    found, expected = report(mixed, BEGIN + 100), report(lines, BEGIN + 100)
    assert found is not None
    assert expected is not None
    assert figures(found) == figures(expected)
    assert found.reading.unreadable == len(lines) * (len(odd) - 1)
    assert report(odd, BEGIN) is None


# ---- whatever happens


ENDS: list[dict[str, Any]] = [{}, {"code": 3, "signal": None}, {"signal": "SIGSEGV"}]


@st.composite
def logs(draw: st.DrawFn) -> Writer:
    """An agent's life with deaths, faults, changes of target, ends and returns."""
    log, now, wanted = Writer(), 0.0, draw(st.integers(0, 4))
    log.agent(0, wanted).start(0.001, *range(wanted))
    up = set(range(wanted))
    for _ in range(draw(st.integers(0, 25))):
        now += draw(st.floats(0.002, 50))
        what = draw(st.sampled_from(["die", "die", "die", "heal", "fault", "plan", "leave", "return"]))
        slot = draw(st.integers(0, 4))
        if what == "die" and slot in up:
            log.die(now, slot, **draw(st.sampled_from(ENDS)))
            up.discard(slot)
        elif what == "heal" and slot not in up and slot in log.lives:
            log.start(now, slot, heal_ms=draw(st.floats(0, 1e6)))
            up.add(slot)
        elif what == "fault" and slot in up:
            log.fault(now, slot)
        elif what == "plan":
            log.plan(now, slot)
        elif what == "leave":
            log.say(now, "agent.draining", agent=ME, cause="SIGTERM")
            for number in sorted(up):
                log.stop(now + 0.001, number)
            up.clear()
        elif what == "return":
            kept = {number for number in up if draw(st.booleans())}
            log.adopt(now, *sorted(kept)).agent(now, slot)
            up = kept
    return log


SPAN = 2000.0


@given(logs(), st.floats(0, SPAN))
def test_windows_add_up(log: Writer, cut: float) -> None:
    """What happened in two parts happened in the whole; all figures stay within their bounds."""
    whole, first = log.report(SPAN, since=-1), report(log.lines(), BEGIN + SPAN, BEGIN - 1)
    assert first == whole
    lines = log.lines()
    second = log.report(SPAN, since=cut)
    before = [line for line, event in zip(lines, log.events, strict=True) if event["time"] <= timestamp(BEGIN + cut)]
    first = report(before, BEGIN + cut, BEGIN - 1)
    assert first is not None
    # A life that is lost later is taken for alive by who looks earlier.
    if not whole.unknown_s:
        assert [a + b for a, b in zip(figures(first), figures(second), strict=True)] == near(figures(whole))
    for found in (whole, first, second):
        assert found.availability is None or 0 <= found.availability <= 1
        assert 0 <= found.running_s <= found.wanted_s + 1e-6
        assert 0 <= found.below_s <= found.length_s + 1e-6
        assert all(0 <= story.up_s + story.down_s <= found.length_s + 1e-6 for story in found.slots)
        assert all(gap.length_s > 0 and found.since <= gap.begin < gap.end <= found.until for gap in found.gaps())


def test_a_replacement_that_ends_before_it_is_ready_was_no_heal() -> None:
    """A crash loop heals nothing; what runs at the end, or was ready once, did."""
    log = Writer().agent(0, 1).start(0, 0).die(10, 0, code=2, signal=None)
    for at in range(10, 16):
        log.start(at, 0, heal_ms=1.0, ready=False).die(at + 0.1, 0, code=2, signal=None)
    log.start(20, 0, heal_ms=2.0).die(30, 0).start(30, 0, heal_ms=3.0, ready=False)

    found = log.report(40)

    assert (len(found.deaths), found.times.ms) == (8, (2.0, 3.0))


@given(logs())
def test_every_heal_and_every_death_is_counted_once(log: Writer) -> None:
    """A heal is a start that says how long it took, of a worker that came to be ready."""
    found = log.report(SPAN)
    heals = [event["heal_ms"] for event in log.events if "heal_ms" in event]
    assert sorted(heals) == list(found.times.ms)
    assert sum(bucket.heals for bucket in buckets(found.times)) == sum(len(s.heals) for s in found.causes) == len(heals)
    deaths = sum(event["event"] == "worker.exited" for event in log.events)
    assert deaths == len(found.deaths) == sum(story.deaths for story in found.causes)
    assert deaths == sum(len(story.deaths) for story in found.slots)


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_slots_does_not_matter(log: Writer, random: Any) -> None:
    """Neither which comes first of what happens to different slots at once, nor a line that is there twice."""
    by_time: dict[str, list[Event]] = {}
    for event in log.events:
        by_time.setdefault(event["time"], []).append(event)
    shuffled: list[Event] = []
    for events in by_time.values():
        if all(event["event"] in ("worker.stopped", "worker.started", "worker.ready") for event in events):
            random.shuffle(events)
            events.sort(key=lambda event: event["event"] == "worker.ready")  # none is ready before it is started
        shuffled += [event for event in events for _ in range(1 + (event["event"] == "worker.exited"))]
    expected = log.report(SPAN)
    log.events = shuffled
    assert figures(log.report(SPAN)) == near(figures(expected))


NAMES = ["worker.started", "worker.exited", "worker.stopped", "worker.adopted", "worker.faulty", "worker.ready",
         "worker.backoff", "target.changed", "plan.changed", "agent.draining", "zookeeper.connected"]  # fmt: skip
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(f"{ME}-0-a"),
                   st.just({ME: 3}), st.integers(0, 3), st.lists(st.integers(), max_size=2))  # fmt: skip
ODD = st.fixed_dictionaries(
    {"event": st.one_of(st.sampled_from(NAMES), st.text(max_size=5))},
    optional=dict.fromkeys(
        ["worker", "slot", "heal_ms", "uptime", "code", "signal", "cause", "reason", "shares", "former", "pid"], VALUES
    ),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), ODD), max_size=12), st.integers(0, 400))
def test_nothing_crashes_it(odd: Sequence[tuple[float, Mapping[str, Any]]], torn: int) -> None:
    """Fields of any kind, times in any order, a tail that is cut off: it is shown, within its bounds."""
    lines = [json.dumps({"time": timestamp(BEGIN + at), **fields}) for at, fields in odd]
    text = "\n".join([*two_of_which_one_dies().lines(), *lines])
    found = report(text[: len(text) - torn].split("\n"), BEGIN + 100)
    if found is None:
        return
    assert found.availability is None or 0 <= found.availability <= 1
    assert all(width_of(line) <= 60 for line in shown(found, "default", 60).splitlines())
    assert report_page(found, "default", BEGIN).endswith("</html>\n")
    json.dumps(json.loads(report_json(found, "default")), allow_nan=False)


# ---- words and pictures


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (None, "-"),
        (1.0, "100 %"),
        (0.0, "0.00 %"),
        (0.86864, "86.86 %"),
        (0.99995, "99.9950 %"),
        (1 - 1e-12, "99.9999 %"),
    ],
)
def test_percentages_are_not_rounded_up(part: float | None, shown: str) -> None:
    """What is not all is not 100 %."""
    assert percent(part) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.0007, "0.7 ms"), (3.4, "3.4 s"), (42, "42 s"), (82, "1m 22s")])
def test_lengths(seconds: float, shown: str) -> None:
    """In the unit that suits them."""
    assert length(seconds) == shown


def test_the_histogram() -> None:
    """Bounds at 1, 2 and 5; none that is empty at either end, those between stay."""
    found = buckets(HealTimes((0.5, 0.7, 1.0, 700.0)))
    assert [bucket for bucket in found if bucket.heals] == [Bucket(0.5, 1, 2), Bucket(1, 2, 1), Bucket(500, 1000, 1)]
    assert len(found) == 10
    assert [bucket_range(bucket) for bucket in (found[0], found[-1])] == ["0.5-1 ms", "0.5-1 s"]
    assert buckets(HealTimes(())) == []


def test_percentiles() -> None:
    """What so large a part of them kept within."""
    times = HealTimes(tuple(float(ms) for ms in range(1, 101)))
    assert [times.percentile(part) for part in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert HealTimes(()).percentile(0.5) is None


GOLDEN = """\
pool default on web1-k3x9qa
2026-01-02 03:03:20 to 03:05:00   1m 40s
available 95.00 %   below target for 10 s   1 death
1 heal: p50 10.0 s, p95 10.0 s, p99 10.0 s, max 10.0 s

─ heals by cause ───────────────────────────────────────────
cause    deaths  heals     p50     max  down
SIGKILL       1      1  10.0 s  10.0 s  10 s  ██████████████
─ time to heal from a death to its replacement running ─────
10-20 s  ████████████████████████████████████████████████ 1
─ timeline by slot ─────────────────────────────────────────
slot 03:03:20                    03:05:00 available  deaths
   0 ────────────────────────────────────     100 %       0
   1 ──────────────▲▲▲▲──────────────────   90.00 %       1
─ up   ▲ down   a column is 2.8 s
─ longest gaps ─────────────────────────────────────────────
from      slot   for  cause
03:04:00     1  10 s  SIGKILL"""


def test_the_terminal() -> None:
    """As a person sees it on 60 columns."""
    assert shown(two_of_which_one_dies().report(100), "default", 60) == GOLDEN


def large() -> Report:
    """A thousand workers and so many causes that not all can be shown."""
    log = Writer().agent(0, 1000).start(0, *range(1000))
    for index in range(1000):
        log.die(1 + index, index, code=index % 20, signal=None).start(1 + index, index, heal_ms=index / 7)
    return log.report(1100)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("glyphs", [True, False])
def test_it_fits(width: int, glyphs: bool) -> None:
    """Whatever the width; what is left out is counted, and what is no terminal gets ASCII."""
    said = shown(large(), "default", width, glyphs=glyphs)
    lines = said.splitlines()
    assert max(map(width_of, lines)) <= width
    assert len(lines) < 80
    assert "976 more slots" in said
    assert "12 more causes" in said
    assert glyphs or said.isascii()


class Page(HTMLParser):
    """Checks that what is opened is closed, and keeps what there is."""

    VOID = frozenset({"meta", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.said = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag == "path":  # one that holds a title
            return
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_page() -> None:
    """One file, of itself: nothing runs in it, and nothing is fetched."""
    text = report_page(two_of_which_one_dies().report(100), "default", BEGIN)
    page = Page(text)
    assert "script" not in page.tags
    assert not {"src", "href", "style", "onload"} & {name for name, _ in page.attributes}
    assert not [word for word in ("http:", "https:", "url(", "@import") if word in text]
    assert "prefers-color-scheme: dark" in text
    for shown in ("95.00 %", "03:04:00, for 10 s: SIGKILL", "Pool default", ME):
        assert shown in page.said


def test_the_page_of_many_workers() -> None:
    """Stays small enough to be sent by mail, and says what it left out."""
    text = report_page(large(), "default", BEGIN)
    said = Page(text).said
    assert "the 60 that fared worst of 1,000" in said
    assert "940 more slots" in said
    assert "8 more causes" in said
    assert len(text) < 500_000


HOSTILE = "</title><script>alert(1)</script>\x1b]0;x\x07\u202e&amp;"


def test_hostile_text_is_only_text() -> None:
    """Whatever a pool, an agent or a cause is called."""
    log = Writer().agent(0, 1).start(0, 0).fault(10, 0).die(10, 0, signal=HOSTILE).start(20, 0, heal_ms=10_000.0)
    log.die(30, 0, signal=HOSTILE).say(40, "agent.draining", agent=HOSTILE, cause=HOSTILE)
    found = log.report(100)
    text = report_page(found, HOSTILE, BEGIN)
    assert "script" not in Page(text).tags
    assert "<script" not in text
    said = shown(found, HOSTILE, 100)
    for control in "\x1b\x07\u202e":
        assert control not in text
        assert control not in said

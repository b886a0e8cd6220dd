"""A report as JSON. Times are RFC 3339 in UTC, durations seconds unless a name says otherwise; None: not known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from math import isinf

from autohealer.views.report.model import HealTimes, Report, Stretch, buckets
from autohealer.views.report.words import notes


def report_json(report: Report, pool: str) -> str:
    """The whole report as one object."""
    data = {
        "pool": pool,
        "agent": report.agent,
        "asked": None if report.asked is None else _time(report.asked),
        "since": _time(report.since),
        "until": _time(report.until),
        "availability": report.availability,
        "worker_seconds": {
            "wanted": round(report.wanted_s, 6),
            "running": round(report.running_s, 6),
            "unknown": round(report.unknown_s, 6),
        },
        "below_target_seconds": round(report.below_s, 6),
        "deaths": len(report.deaths),
        "heals": len(report.heals),
        "heal_ms": {
            **_percentiles(report.times),
            "buckets": [
                {"from": bucket.low, "to": None if isinf(bucket.high) else bucket.high, "heals": bucket.heals}
                for bucket in buckets(report.times)
            ],
        },
        "causes": [
            {
                "cause": story.cause,
                "deaths": story.deaths,
                "heals": len(story.heals),
                "down_seconds": round(story.down_s, 6),
                "heal_ms": _percentiles(story.heals),
            }
            for story in report.causes
        ],
        "slots": [
            {
                "slot": story.slot,
                "availability": story.availability,
                "deaths": len(story.deaths),
                "up_seconds": round(story.up_s, 6),
                "down_seconds": round(story.down_s, 6),
                "up": _stretches(story.up),
                "down": [{"from": _time(gap.begin), "to": _time(gap.end), "cause": gap.cause} for gap in story.gaps],
                "unknown": _stretches(story.unknown),
            }
            for story in report.slots
        ],
        "events": report.reading.events,
        "unreadable": report.reading.unreadable,
        "notes": notes(report),
    }
    return json.dumps(data)


def _percentiles(times: HealTimes) -> dict[str, float | None]:
    named = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    return {name: times.percentile(part) for name, part in named}


def _stretches(stretches: Iterable[Stretch]) -> list[dict[str, str]]:
    return [{"from": _time(begin), "to": _time(end)} for begin, end in stretches]


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

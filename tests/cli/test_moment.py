"""Moments as people type them."""

from __future__ import annotations

from datetime import datetime

import pytest

from autohealer.cli.support.moment import moment

NOW = datetime(2026, 3, 10, 12, 0, 30).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", NOW - 90),
        ("90s", NOW - 90),
        ("1.5m", NOW - 90),
        ("2h", NOW - 7200),
        ("1d", NOW - 86400),
        ("11:59", datetime(2026, 3, 10, 11, 59).timestamp()),
        ("11:59:30", datetime(2026, 3, 10, 11, 59, 30).timestamp()),
        ("12:01", datetime(2026, 3, 9, 12, 1).timestamp()),
        ("2026-03-01T00:00:00Z", 1772323200.0),
        ("2026-03-01T01:00:00+01:00", 1772323200.0),
        ("2026-03-01", datetime(2026, 3, 1).timestamp()),
    ],
)
def test_what_is_meant(text: str, expected: float) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "12:60", "-5m", "5 m", "9" * 400, "2026-13-01", "1e9s"])
def test_what_means_nothing_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration ago"):
        moment(text, NOW)

"""A moment as people type it, for ``--since`` and ``--until``: a duration ago, ``HH:MM``, or RFC 3339."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from autohealer.config.kinds import SECONDS, Kind

_AGO = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([smhd]?)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
WANTED = "write a duration ago (90s, 5m, 2h), a time of day (14:03) or RFC 3339 (2026-01-31T14:03:00Z)"


def moment(text: str, now: float) -> float:
    """The Unix time in seconds that this text means. Raises ValueError, in words.

    A time of day is the last such one, today or yesterday; a date without a time zone is in that of this host.
    """
    if found := _AGO.fullmatch(text):
        return now - float(found[1]) * SECONDS[found[2] or "s"]
    if found := _CLOCK.fullmatch(text):
        today = datetime.fromtimestamp(now)
        try:
            then = today.replace(hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0)
        except ValueError:
            raise ValueError(f"{text} is no time of day; {WANTED}") from None
        return (then if then <= today else then - timedelta(days=1)).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no moment; {WANTED}") from None


class Moment(Kind[float]):
    """The kind of such an option: Unix time in seconds."""

    name = "TIME"

    def parse(self, text: str) -> float:
        """The moment, as seen from now."""
        return moment(text, time.time())

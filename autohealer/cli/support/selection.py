"""Which of many dated lines are meant: ``--since``, ``--until``, ``--grep``."""

from __future__ import annotations

import re

import msgspec

from autohealer.config.kinds import Kind


class Pattern(Kind[re.Pattern[str]]):
    """A regular expression."""

    name = "REGEX"

    def parse(self, text: str) -> re.Pattern[str]:
        """Compiled."""
        try:
            return re.compile(text)
        except re.error as error:
            raise ValueError(
                f"{text!r} is no regular expression: {error}; put \\ before what is meant as it is"
            ) from None


class Selection(msgspec.Struct, frozen=True):
    """What is asked for; moments are Unix time, None where any will do."""

    since: float | None = None
    until: float | None = None
    grep: re.Pattern[str] | None = None

    def has(self, time: float | None, *texts: str) -> bool:
        """Is something of this time, with these texts, among it? What has no time is kept."""
        return self.has_time(time) and (self.grep is None or any(map(self.grep.search, texts)))

    def has_time(self, time: float | None) -> bool:
        """Is the time within the bounds?"""
        if time is None:
            return True
        return (self.since is None or time >= self.since) and (self.until is None or time <= self.until)

"""What the agent tells the process that sends notices: the rules first, then an event a line."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autohealer.core.notices import EventRecord, fields_of


class NoticeTarget(msgspec.Struct, frozen=True):
    """Where notices of one rule go: one of the three."""

    webhook: str | None = None
    url_file: str | None = None
    exec: tuple[str, ...] = ()
    slack: bool = False

    @property
    def name(self) -> str:
        """For messages: a URL may hold a secret, and is not shown."""
        return f"the command {self.exec[0]}" if self.exec else "the webhook"


class RuleSpec(msgspec.Struct, frozen=True):
    """One ``[[notify]]``."""

    on: tuple[str, ...]
    for_s: float
    every_s: float
    target: NoticeTarget


class Line(msgspec.Struct, frozen=True):
    """An event of a pool."""

    pool: str
    event: msgspec.Raw


def encoded(rules: Sequence[RuleSpec]) -> bytes:
    """The first line."""
    return msgspec.json.encode(rules) + b"\n"


def encoded_event(pool: str, event: EventRecord) -> bytes:
    """Every other line."""
    return msgspec.json.encode({"pool": pool, "event": fields_of(event)}) + b"\n"

"""How a life ended and whose it was, read out of an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]


def slot_of(fields: Fields) -> int | None:
    """The slot that an event is about; None where it is about a life that fills none."""
    slot = fields.get("slot")
    return slot if isinstance(slot, int) else None


def how_it_ended(fields: Fields) -> str:
    """Of ``worker.exited``: the signal or the exit code, in as few words as can be."""
    if fields.get("signal") is not None:
        return str(fields["signal"])
    return "ended" if fields.get("code") is None else f"exit code {fields['code']}"

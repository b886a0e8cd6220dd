"""How a life ended and whose it was, as an event tells. Nothing is worked out here: the core has told the cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]


def slot_of(fields: Fields) -> int | None:
    """The slot that an event is about; None where it is about a life that fills none."""
    slot = fields.get("slot")
    return slot if isinstance(slot, int) else None


def is_death(fields: Fields) -> bool:
    """Whether the event is a death of the pool: of a worker that filled a slot."""
    return fields.get("event") == "worker.exited" and slot_of(fields) is not None


def cause_of(fields: Fields) -> str:
    """Of ``worker.exited``: ``exit 1``, ``SIGKILL``, or the sense that found the worker faulty."""
    return str(fields.get("cause") or "ended")

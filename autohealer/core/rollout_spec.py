"""What a rollout is asked to do. The machine that does it is ``pool.rollout``."""

from __future__ import annotations

import msgspec

from autohealer.core.operations import Operation


def parallel_of(text: str) -> int | float:
    """How many at once: a number, or a part of the share such as ``10%``. Raises ValueError."""
    digits = text.removesuffix("%")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 6) or int(digits) == 0:
        raise ValueError(f"{text!r} is neither a number of workers such as 3, nor a part such as 10%")
    if digits == text:
        return int(text)
    return min(1.0, int(digits) / 100)


class RolloutSpec(msgspec.Struct, frozen=True):
    """``id`` is that of the operation that asked for it; ``old`` and ``new`` are revisions, ``hash`` is the new one's.

    ``parallel`` is a number, or (a float) a part of the share. ``reversible``: the two differ, so there is something to
    go back to. ``lenient``: a new life that was ready once has proven enough (``restart``). ``worker``: exchange this
    one alone.
    """

    verb: str
    id: str
    by: str
    old: int
    new: int
    hash: str = ""
    soak_s: float = 0.0
    parallel: int | float = 1
    force: bool = False
    reversible: bool = False
    lenient: bool = False
    worker: str | None = None


class RolloutOrder(msgspec.Struct, frozen=True):
    """A rollout with who waits for its answer. ``undo_because``: it was begun by a former life of the agent, which
    ended in the middle of it, and is to be undone.
    """

    spec: RolloutSpec
    operation: Operation | None = None
    undo_because: str = ""

    @property
    def by_turns(self) -> bool:
        """Whether one agent after the other does it, where the pool has several."""
        return self.spec.worker is None and not self.undo_because

    @property
    def name(self) -> str:
        """By what other agents know it: the request in ZooKeeper, where there is one."""
        request = self.operation.request if self.operation is not None else None
        return request or self.spec.id

"""Which worker is asked, and how what is asked of it is written: ``{port}``, ``{slot}``, ``{worker}``, ``{pid}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class ProbedLife(NamedTuple):
    """One worker from its start to its end."""

    worker: str
    pid: int
    slot: int
    port: int | None

    def fill(self, text: str) -> str:
        """The text with the placeholders replaced; no other brace is touched."""
        text = text.replace("{slot}", str(self.slot)).replace("{worker}", self.worker).replace("{pid}", str(self.pid))
        return text if self.port is None else text.replace("{port}", str(self.port))


EXAMPLE = ProbedLife("agent-0-1", 1, 0, 8000)
"""To see whether something would be well-formed once it is filled in."""


class ProbeAnswer(NamedTuple):
    """What came of one probe; ``detail`` says in a few words why it failed."""

    ok: bool
    detail: str = ""
    timed_out: bool = False


class Attempt(Protocol):
    """One probe of one worker, under way."""

    @property
    def began(self) -> float | None:
        """When it began, in the loop's time; None while it waits for its turn."""

    def cancel(self) -> ProbeAnswer | None:
        """End it, and say what can be said of it nevertheless."""


class Probe(Protocol):
    """A kind of check, for all workers of a pool."""

    @property
    def name(self) -> str:
        """What it is called in events: as it was written."""

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> Attempt:
        """Ask this worker. ``done`` is called once, perhaps before this returns; never once it has been cancelled."""

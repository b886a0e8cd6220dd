"""When each worker is asked, and which answers count."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from autohealer.processes.probes import pressure
from autohealer.processes.probes.life import Attempt, Probe, ProbeAnswer, ProbedLife

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

FIRST_DELAY_S = 0.25
GROWTH = 1.5
# A failure that is known this much after its time was decided while we did not look: it says nothing of the worker.
LATE_S = 0.5
FULL, HALF = 1.0, 0.5


class Timing(NamedTuple):
    """``--probe-interval`` and ``--probe-timeout``."""

    interval_s: float = 10.0
    timeout_s: float = 2.0


class Prober:
    """Asks every worker all probes, each in its own rhythm, and never one of them twice at once.

    Until a worker has passed a probe for the first time it is asked after a quarter of a second, then ever less often;
    from then on every interval, beginning at a random point of it, so that many workers are not asked together.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        probes: Sequence[Probe],
        timing: Timing,
        tell: Callable[[str, str, ProbeAnswer, float], None],
        is_pressure_high: Callable[[], bool] = pressure.is_high,
    ) -> None:
        """``tell`` gets the worker, the probe's name, its answer, and what a failure weighs."""
        self.loop, self.timing, self._probes, self._tell = loop, timing, probes, tell
        self._is_pressure_high = is_pressure_high
        self._rhythms: dict[str, list[_Rhythm]] = {}

    def start(self, life: ProbedLife) -> None:
        """Ask this worker from now on."""
        self.stop(life.worker)
        self._rhythms[life.worker] = [_Rhythm(self, probe, life) for probe in self._probes]

    def stop(self, worker: str) -> None:
        """Ask it no more; what is under way counts no more."""
        for rhythm in self._rhythms.pop(worker, ()):
            rhythm.stop()

    def close(self) -> None:
        """Ask nobody any more."""
        for worker in list(self._rhythms):
            self.stop(worker)

    def take(self, life: ProbedLife, probe: Probe, answer: ProbeAnswer) -> None:
        """Tell what came of a probe. A timeout on a host that is short of CPU weighs half."""
        weight = HALF if answer.timed_out and self._is_pressure_high() else FULL
        self._tell(life.worker, probe.name, answer, weight)


class _Rhythm:
    """One probe of one worker, again and again."""

    __slots__ = ("_attempt", "_delay_s", "_due", "_has_passed", "_is_over", "_life", "_probe", "_prober", "_timer")

    def __init__(self, prober: Prober, probe: Probe, life: ProbedLife) -> None:
        self._prober, self._probe, self._life = prober, probe, life
        self._attempt: Attempt | None = None
        self._has_passed = self._is_over = False
        self._delay_s = min(FIRST_DELAY_S, prober.timing.interval_s)
        self._due = prober.loop.time() + _somewhere_in(self._delay_s)
        self._timer = prober.loop.call_at(self._due, self._ask)

    def stop(self) -> None:
        """Ask no more."""
        self._is_over = True
        self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()

    def _ask(self) -> None:
        self._due = self._prober.loop.time()
        self._timer = self._prober.loop.call_at(self._due + self._prober.timing.timeout_s, self._out_of_time)
        timer = self._timer
        attempt = self._probe.begin(self._life, self._answered)
        self._attempt = attempt if self._timer is timer and not timer.cancelled() else None

    def _answered(self, answer: ProbeAnswer) -> None:
        began = self._due if self._attempt is None else self._attempt.began or self._due
        self._timer.cancel()
        self._attempt = None
        is_late = self._prober.loop.time() > began + self._prober.timing.timeout_s + LATE_S
        if answer.ok or not is_late:
            self._told(answer)
        self._go_on(passed=answer.ok)

    def _out_of_time(self) -> None:
        """Unless it had to wait for its turn."""
        attempt, loop, timeout_s = self._attempt, self._prober.loop, self._prober.timing.timeout_s
        if attempt is None:
            return
        began = loop.time() if attempt.began is None else attempt.began
        if loop.time() < began + timeout_s:
            self._timer = loop.call_at(began + timeout_s, self._out_of_time)
            return
        said = attempt.cancel()
        if said is None:
            said = ProbeAnswer(ok=False, detail=f"no answer within {timeout_s:g} s", timed_out=True)
        self._answered(said)

    def _told(self, answer: ProbeAnswer) -> None:
        if not self._is_over:
            self._prober.take(self._life, self._probe, answer)

    def _go_on(self, *, passed: bool) -> None:
        if self._is_over:
            return
        loop, interval_s = self._prober.loop, self._prober.timing.interval_s
        if passed and not self._has_passed:
            self._has_passed = True
            wait_s = _somewhere_in(interval_s)
        elif self._has_passed:
            wait_s = interval_s
        else:
            wait_s = self._delay_s
            self._delay_s = min(self._delay_s * GROWTH, interval_s)
        # From the last question on; where the answer took longer than that, in the loop's next turn.
        self._timer = loop.call_at(max(self._due + wait_s, loop.time()), self._ask)


def _somewhere_in(interval_s: float) -> float:
    return random.uniform(0.0, interval_s)  # noqa: S311 - no secret

"""One probe of one worker, asked in an event loop that runs until it has answered."""

from __future__ import annotations

import asyncio

from autohealer.processes.probes.life import Probe, ProbeAnswer, ProbedLife

PATIENT_S = 20.0
LIFE = ProbedLife("agent-3-1", 4711, 3, 8003)


async def answer_of(probe: Probe, life: ProbedLife = LIFE, within_s: float = PATIENT_S) -> ProbeAnswer | None:
    """The answer; where there is none in time, what can be said nevertheless."""
    answered: asyncio.Future[ProbeAnswer] = asyncio.get_running_loop().create_future()
    attempt = probe.begin(life, answered.set_result)
    try:
        return await asyncio.wait_for(answered, within_s)
    except TimeoutError:
        return attempt.cancel()

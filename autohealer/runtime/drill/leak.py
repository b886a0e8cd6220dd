"""A worker whose memory is told to be beyond its limit: what the sampler would post, posted for a drill."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.core.events import Event, Usage, UsageSampled
from autohealer.core.pool.condition import SAMPLES_OVER
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.runtime.clock import now

if TYPE_CHECKING:
    from autohealer.core.model import PoolSpec
    from autohealer.core.pool.snapshot import Snapshot


def leak(spec: PoolSpec, snapshot: Snapshot, post: Callable[[Event], None]) -> str | None:
    """Post it of the first worker that runs in a slot; its id. None where there is no limit, or no such worker."""
    limit = spec.kill_rss or spec.max_rss
    found = (w for w in snapshot.workers if w.slot is not None and w.worker and w.state is WorkerState.RUNNING)
    victim = next(found, None)
    if limit is None or victim is None or victim.worker is None:
        return None
    for _ in range(SAMPLES_OVER):
        usage = Usage(cpu_s=victim.cpu_s or 0.0, rss=2 * limit, state="S", traced=False, output_bytes=None)
        post(UsageSampled(now(), {victim.worker: usage}))
    return victim.worker

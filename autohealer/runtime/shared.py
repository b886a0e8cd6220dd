"""What an agent process has once, and lends to each of its pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from autohealer.config.drift import Drift
    from autohealer.config.schema import AgentOptions
    from autohealer.coordination.session.access import Access
    from autohealer.core.model import Instant
    from autohealer.core.operations import Answer, Operation
    from autohealer.processes.evidence import EvidenceTaker
    from autohealer.processes.oom import OomWatch
    from autohealer.processes.reaper import Reaper
    from autohealer.processes.tree.orphans import Orphans
    from autohealer.processes.tree.strays import Strays
    from autohealer.runtime.control import PoolService
    from autohealer.runtime.disk_writer import DiskWriter
    from autohealer.runtime.sampler import Sampler
    from autohealer.zkserver import ZooKeeperServer


class Shared(msgspec.Struct, frozen=True):
    """The parts of the process that its pool runners use."""

    loop: asyncio.AbstractEventLoop
    writer: DiskWriter
    reaper: Reaper
    strays: Strays
    orphans: Orphans
    evidence: EvidenceTaker
    sampler: Sampler
    oom: OomWatch
    server: ZooKeeperServer | None
    """The embedded server, where no other ZooKeeper is given."""

    descriptor_limit: tuple[int, int]
    """The (soft, hard) limits of open files that the process was started with: workers get these."""

    options: AgentOptions
    access: Access
    """What makes ZooKeeper let us in."""

    find_pool: Callable[[str], PoolService | None]
    """Another pool of this process, by its name."""

    was_ready: Callable[[str], bool]
    """Whether all workers of another pool of this process have been ready, once."""

    file: str | None
    """The configuration file that the pools are of; None where they are of the command line."""

    reload: Callable[[Operation, Callable[[Answer], object], Callable[[object], object]], object]
    """Read the configuration file again, and apply what differs."""

    drift: Callable[[], Awaitable[Drift | None]]
    """Whether the file still says what runs."""

    leave: Callable[[], Answer]
    """End this process and not the workers of its pools, if that can be."""

    on_exit: Callable[[str, Instant], None] | None
    """Told of each exit of a worker of a pool, and when it became known, once its replacement has been started."""

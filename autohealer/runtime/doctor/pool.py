"""A running pool: does its agent answer, what is missing, who disagrees."""

from __future__ import annotations

from collections.abc import Iterator

from autohealer.runtime.doctor.finding import Finding, fault, ok, warning
from autohealer.views.status import Config, Status

MOST_NAMED = 5


def check_pool(status: Status) -> Iterator[Finding]:
    """Judge a pool by its status."""
    yield _count(status)
    yield from _connection(status)
    yield from _crash_loops(status)
    if status.held:
        yield warning(
            "held verdicts",
            f"nobody is replaced for: {', '.join(status.held)}",
            "autohealer release, once the cause is known",
        )
    config = status.config or Config()
    if config.state == "invalid":
        yield fault("configuration file", f"{config.file}: {config.detail}", "mend it: autohealer config check")
    elif config.state == "differs":
        yield warning("configuration file", f"{config.file} is not what runs", "apply it: autohealer reload")


def _count(status: Status) -> Finding:
    found = f"{status.running} of {status.target or 0} run"
    if status.is_below:
        return fault("workers", found, "autohealer why tells what ended the others")
    return ok("workers", found)


def _connection(status: Status) -> Iterator[Finding]:
    if not status.connected:
        yield fault("agent's session", "ZooKeeper does not answer the agent", "see whether ZooKeeper runs")
    if status.leader is None:
        yield fault("leader", "nobody leads the pool", "see the agents' warnings")


def _crash_loops(status: Status) -> Iterator[Finding]:
    waiting = [worker for worker in status.workers if worker.state == "backoff"]
    if waiting:
        causes = sorted({worker.cause or "unknown" for worker in waiting})
        yield fault(
            "crash loops",
            f"{len(waiting)} workers wait for their next start: {', '.join(causes[:MOST_NAMED])}",
            "autohealer why shows their last output",
        )

"""A running pool: does its agent answer, what is missing, who disagrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autohealer.runtime.doctor.finding import Finding, fault, ok, warning

Status = Mapping[str, Any]
MOST_NAMED = 5


def check_pool(status: Status) -> Iterator[Finding]:
    """Judge a pool by its status, as ``status --json`` has it."""
    yield _count(status)
    yield from _connection(status)
    yield from _crash_loops(status)
    if held := status.get("held"):
        yield warning(
            "held verdicts",
            f"nobody is replaced for: {', '.join(held)}",
            "autohealer release, once the cause is known",
        )
    config = status.get("config") or {}
    if config.get("state") == "invalid":
        yield fault("configuration file", f"{config['file']}: {config['detail']}", "mend it: autohealer config check")
    elif config.get("state") == "differs":
        yield warning("configuration file", f"{config['file']} is not what runs", "apply it: autohealer reload")


def _count(status: Status) -> Finding:
    target, running = status["target"] or 0, status["running"]
    done = status.get("done") or {}
    others = (status["foreign"] or 0) + done.get("done", 0) + done.get("failed", 0)
    if running + others < target:
        return fault("workers", f"{running} of {target} run", "autohealer why tells what ended the others")
    return ok("workers", f"{running} of {target} run")


def _connection(status: Status) -> Iterator[Finding]:
    if not status["connected"]:
        yield fault("agent's session", "ZooKeeper does not answer the agent", "see whether ZooKeeper runs")
    if status["leader"] is None:
        yield fault("leader", "nobody leads the pool", "see the agents' warnings")


def _crash_loops(status: Status) -> Iterator[Finding]:
    waiting = [worker for worker in status["workers"] if worker["state"] == "backoff"]
    if waiting:
        causes = sorted({str(worker.get("cause") or "unknown") for worker in waiting})
        yield fault(
            "crash loops",
            f"{len(waiting)} workers wait for their next start: {', '.join(causes[:MOST_NAMED])}",
            "autohealer why shows their last output",
        )

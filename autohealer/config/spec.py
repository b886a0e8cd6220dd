"""From `PoolOptions` to what the core needs, and what must hold between several options of one pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.config.schema import LAST_PORT
from autohealer.core.model import PoolSpec
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.config.schema import PoolOptions


def check_pool(options: PoolOptions) -> None:
    """Raise `UsageError` for values that make no sense together."""
    if not options.command:
        raise UsageError("there is no command to run", "write it after --, as in: autohealer run 10 -- sleep 60")
    base, workers = options.port_base, options.workers
    if base is not None and base + workers - 1 > LAST_PORT:
        raise UsageError(f"--port-base {base} leaves no ports for {workers} workers", "begin lower")
    if base is None and any("{port}" in word for word in options.command):
        raise UsageError("the command has {port}, and there is no --port-base", "add one, as in: --port-base 8000")


def pool_spec(options: PoolOptions) -> PoolSpec:
    """The pool as the core knows it."""
    return PoolSpec(
        name=options.pool,
        workers=options.workers,
        registration=options.registration,
        register_grace_s=options.register_grace,
        start_timeout_s=options.start_timeout,
        stop_signal=options.stop_signal,
        stop_timeout_s=options.stop_timeout,
        stable_after_s=options.stable_after,
        backoff_max_s=options.backoff_max,
        restart=options.restart,
        ok_exit=frozenset(options.ok_exit),
        exit_on=options.exit_on,
        max_failures=options.max_failures,
        on_partition=options.on_partition,
        capacity=_capacity(options),
        drain_timeout_s=options.drain_timeout,
        port_base=options.port_base,
    )


def _capacity(options: PoolOptions) -> int | None:
    """The most workers that this agent can have: each has a port of its own, where they have ports."""
    if options.port_base is None:
        return options.capacity
    ports = LAST_PORT + 1 - options.port_base
    return ports if options.capacity is None else min(options.capacity, ports)

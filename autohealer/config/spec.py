"""From `PoolOptions` to what the core needs, and what must hold between several options of one pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.config.kinds import Duration
from autohealer.config.schema import LAST_PORT
from autohealer.core.model import PoolSpec, ReadyWhen
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
    for what, texts in _templates(options).items():
        if base is None and any("{port}" in text for text in texts):
            raise UsageError(f"{what} has {{port}}, and there is no --port-base", "add one, as in: --port-base 8000")
    _check_senses(options)
    if options.spares:
        _check_spares(options)


def _check_spares(options: PoolOptions) -> None:
    """A spare is started before it is known which slot it will fill."""
    if options.port_base is not None:
        raise UsageError("--port-base gives each slot a port, and a spare has no slot yet", "leave out one of the two")
    for placeholder in ("{slot}", "{port}"):
        if any(placeholder in word for word in options.command):
            raise UsageError(
                f"the command has {placeholder}, and a spare of --spares has no slot yet",
                "leave it out: a spare reads its slot from AUTOHEALER_STANDBY_FD when it is promoted",
            )


def _templates(options: PoolOptions) -> dict[str, tuple[str, ...]]:
    """The texts in which ``{port}`` is replaced, by what people call them."""
    return {
        "the command": options.command,
        "--probe-http": options.probe_http,
        "--probe-tcp": options.probe_tcp,
        "--probe-exec": options.probe_exec,
        "--progress-http": (options.progress_http or "",),
        "--progress-busy": (options.progress_busy or "",),
    }


def _check_senses(options: PoolOptions) -> None:
    probes = (*options.probe_http, *options.probe_tcp, *options.probe_exec)
    if options.ready == "probe" and not probes:
        raise UsageError(
            "--ready probe, and there is no probe", "add one, as in: --probe-http http://127.0.0.1/healthz"
        )
    if len(set(probes)) < len(probes):
        raise UsageError("a probe is given twice", "once is enough")
    if options.progress_busy is not None and options.progress_http is None:
        raise UsageError("--progress-busy without --progress-http", "say where the progress is to be read")
    if (options.ready or "").startswith("log:") and options.log != "file":
        raise UsageError(f"--ready log: cannot be with --log {options.log}", "only files can be looked through")
    if options.kill_rss is not None and options.max_rss is not None and options.kill_rss <= options.max_rss:
        raise UsageError("--kill-rss is not above --max-rss", "it kills what --max-rss would only replace")


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
        spares=options.spares,
        on_partition=options.on_partition,
        capacity=_capacity(options),
        drain_timeout_s=options.drain_timeout,
        ready=_ready_when(options.ready),
        ready_after_s=_ready_after_s(options.ready),
        probes=(*options.probe_http, *options.probe_tcp, *options.probe_exec),
        probe_failures=options.probe_failures,
        probe_timeout_s=options.probe_timeout,
        beat_timeout_s=options.beat_timeout,
        task_timeout_s=options.task_timeout,
        progress_timeout_s=options.progress_timeout,
        progress_from_url=options.progress_http is not None,
        stopped_timeout_s=options.stopped_timeout or None,
        silence_timeout_s=options.silence_timeout,
        max_rss=options.max_rss,
        kill_rss=options.kill_rss,
        max_age_s=options.max_age,
        max_faulty=options.max_faulty,
        port_base=options.port_base,
    )


def _capacity(options: PoolOptions) -> int | None:
    """The most workers that this agent can have: each has a port of its own, where they have ports."""
    if options.port_base is None:
        return options.capacity
    ports = LAST_PORT + 1 - options.port_base
    return ports if options.capacity is None else min(options.capacity, ports)


def _ready_when(ready: str | None) -> ReadyWhen | None:
    return None if ready is None else ReadyWhen(ready.partition(":")[0])


def _ready_after_s(ready: str | None) -> float:
    word, _, text = (ready or "").partition(":")
    return Duration().parse(text) if word == "after" else 0.0

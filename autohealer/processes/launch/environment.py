"""What a worker finds in its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autohealer.core.actions import SpawnWorker

PREFIX = "AUTOHEALER_"
WORKER_ID = "AUTOHEALER_WORKER_ID"
AGENT = "AUTOHEALER_AGENT"
POOL = "AUTOHEALER_POOL"
NUMBER = "AUTOHEALER_SLOT"
REVISION = "AUTOHEALER_REVISION"
NOTIFY = "NOTIFY_SOCKET"
# What a manager of services tells its own child, the agent: for the agent alone.
_OF_THE_AGENT = frozenset({NOTIFY, "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})


def worker_environment(
    environ: Mapping[str, str],
    extra: Mapping[str, str],
    *,
    zookeeper: str,
    pool: str,
    workers_path: str,
    agent: str,
    cwd: str,
    notify: str,
    beat_timeout_s: float | None = None,
) -> dict[str, str]:
    """What all workers of a pool have: the agent's environment less its options, and where they belong.

    ``extra`` (``--env``) goes before the agent's own; neither can forge who a worker is. Everything named
    AUTOHEALER_ is left out of what is inherited, because it may be a secret, and because an agent that is itself
    a worker must not hand on its own marker. ``notify`` is the pool's notify socket; with ``beat_timeout_s`` programs
    that know sd_notify are told, in its way, that they are to beat.
    """
    inherited = {
        name: value for name, value in environ.items() if not name.startswith(PREFIX) and name not in _OF_THE_AGENT
    }
    ours = {
        "AUTOHEALER_ZK": zookeeper,
        POOL: pool,
        "AUTOHEALER_WORKERS": workers_path,
        AGENT: agent,
        "PWD": cwd,
        NOTIFY: notify,
    }
    if beat_timeout_s is not None:
        ours["WATCHDOG_USEC"] = str(int(beat_timeout_s * 1e6))
    return {**inherited, **extra, **ours}


def incarnation_environment(start: SpawnWorker, port: int | None) -> dict[str, str]:
    """What one worker has beyond that; a spare's AUTOHEALER_STANDBY_FD is set where its files are (`Spawner`)."""
    variables = {
        WORKER_ID: start.worker,
        "AUTOHEALER_EPOCH": str(start.epoch),
        REVISION: str(start.revision),
        "AUTOHEALER_RESTARTS": str(start.restarts),
        "AUTOHEALER_LAST_EXIT": start.last_exit,
    }
    if not start.is_spare:
        variables[NUMBER] = str(start.number)
    if port is not None:
        variables["PORT"] = str(port)
    return variables

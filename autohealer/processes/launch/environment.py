"""What a worker finds in its environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

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
_WORKER_ID, _NUMBER, _REVISION = WORKER_ID.encode(), NUMBER.encode(), REVISION.encode()
# What a manager of services tells its own child, the agent: for the agent alone.
_OF_THE_AGENT = frozenset({NOTIFY, "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})


class WorkerHome(msgspec.Struct, frozen=True):
    """Where the workers of a pool belong, and whom they report to."""

    zookeeper: str
    pool: str
    workers_path: str
    agent: str
    notify: str
    """The path of the pool's notify socket."""


def worker_environment(
    environ: Mapping[str, str],
    extra: Mapping[str, str],
    home: WorkerHome,
    *,
    cwd: str,
    beat_timeout_s: float | None = None,
) -> dict[str, str]:
    """What all workers of a pool have: the agent's environment less its options, and where they belong.

    ``extra`` (``--env``) goes before the agent's own; neither can forge who a worker is. Everything named
    AUTOHEALER_ is left out of what is inherited, because it may be a secret, and because an agent that is itself
    a worker must not hand on its own marker. With ``beat_timeout_s`` programs that know sd_notify are told, in its way,
    that they are to beat.
    """
    inherited = {
        name: value for name, value in environ.items() if not name.startswith(PREFIX) and name not in _OF_THE_AGENT
    }
    ours = {
        "AUTOHEALER_ZK": home.zookeeper,
        POOL: home.pool,
        "AUTOHEALER_WORKERS": home.workers_path,
        AGENT: home.agent,
        "PWD": cwd,
        NOTIFY: home.notify,
    }
    if beat_timeout_s is not None:
        ours["WATCHDOG_USEC"] = str(int(beat_timeout_s * 1e6))
    return {**inherited, **extra, **ours}


def incarnation_environment(start: SpawnWorker, port: int | None) -> dict[bytes, bytes]:
    """What one worker has beyond that; a spare's AUTOHEALER_STANDBY_FD is set where its files are (`Spawner`).

    As bytes, as posix_spawn takes it: this stands between a death and its replacement.
    """
    variables = {
        _WORKER_ID: os.fsencode(start.worker),
        b"AUTOHEALER_EPOCH": b"%d" % start.epoch,
        _REVISION: b"%d" % start.revision,
        b"AUTOHEALER_RESTARTS": b"%d" % start.restarts,
        b"AUTOHEALER_LAST_EXIT": os.fsencode(start.last_exit),
    }
    if not start.is_spare:
        variables[_NUMBER] = b"%d" % start.number
    if port is not None:
        variables[b"PORT"] = b"%d" % port
    return variables

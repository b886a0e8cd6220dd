"""Limits, user, umask and niceness of workers, and LISTEN_PID: in force before the worker's first instruction.

posix_spawn sets none of them, and nobody knows a pid before there is the process. Where one is asked for, the worker is
started through small programs that every Linux has, each of which does its part and executes the next: ``sh``
(LISTEN_PID, umask), ``nice``, ``prlimit``, ``setpriv``, in this order, so that all that needs root is done before that
is given up. A pool that asks for none of it is started as ever.
"""

from __future__ import annotations

import grp
import os
import pwd
import resource
from typing import TYPE_CHECKING, NamedTuple

from autohealer.errors import UsageError
from autohealer.processes.launch.command import Command, resolve_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autohealer.processes.launch.spec import LaunchSpec


class User(NamedTuple):
    """Whom a worker runs as. ``name`` is None for a bare number that no account has."""

    uid: int
    gid: int
    name: str | None
    home: str
    shell: str


def prepare_command(spec: LaunchSpec, environ: Mapping[str, str]) -> Command:
    """What starts a worker of this spec. Raises UsageError for what cannot be run, or cannot be had."""
    return wrapped(spec, resolve_command(spec.command, environ, spec.cwd), environ)


def wrapped(spec: LaunchSpec, command: Command, environ: Mapping[str, str]) -> Command:
    """The command behind the programs that this spec needs; the command itself where it needs none."""
    words = _programs(spec, environ)
    return Command(words[0], (*words, command.path, *command.argv[1:])) if words else command


def user_of(spec: LaunchSpec) -> User | None:
    """Whom workers of this spec run as; None where that is the agent's user. Raises UsageError."""
    if spec.user is None:
        return None
    try:
        found = pwd.getpwuid(int(spec.user)) if spec.user.isdecimal() else pwd.getpwnam(spec.user)
    except (KeyError, OverflowError):
        if spec.user.isdecimal() and spec.group is not None and len(spec.user) < 10:
            return User(int(spec.user), _group(spec.group), None, "/", "/bin/sh")
        raise UsageError(f"there is no user {spec.user}", "look into /etc/passwd, or give --group, too") from None
    gid = found.pw_gid if spec.group is None else _group(spec.group)
    return User(found.pw_uid, gid, found.pw_name, found.pw_dir, found.pw_shell)


def user_environment(spec: LaunchSpec) -> dict[str, str]:
    """What is another for another user; as systemd has it."""
    user = user_of(spec)
    if user is None or user.uid == os.geteuid():
        return {}
    name = {} if user.name is None else {"USER": user.name, "LOGNAME": user.name}
    return {"HOME": user.home, "SHELL": user.shell, **name}


def _group(text: str) -> int:
    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        if text.isdecimal() and len(text) < 10:
            return int(text)
        raise UsageError(f"there is no group {text}", "look into /etc/group") from None


def _programs(spec: LaunchSpec, environ: Mapping[str, str]) -> tuple[str, ...]:
    words: list[str] = []
    if spec.needs_listen_pid:
        words += ["/bin/sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', "sh"]
    if spec.umask is not None:
        words += ["/bin/sh", "-c", f'umask {spec.umask:03o} && exec "$@"', "sh"]
    if spec.nice is not None:
        step = spec.nice - os.getpriority(os.PRIO_PROCESS, 0)
        if step < 0 and os.geteuid() != 0:
            raise UsageError(f"--nice {spec.nice} is less than the agent's own", "only root can go lower")
        words += _found("nice", environ, "-n", str(step))
    if spec.limits:
        words += _found("prlimit", environ, *(f"--{name}={_limit(name, text)}" for name, text in spec.limits.items()))
    if spec.user is not None or spec.group is not None:
        words += _found("setpriv", environ, *_privileges(spec), "--no-new-privs")
    return tuple(words)


def _found(name: str, environ: Mapping[str, str], *arguments: str) -> Sequence[str]:
    path = resolve_command((name,), {"PATH": f"{environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"}, "/").path
    return (path, *arguments, "--") if name == "setpriv" else (path, *arguments)


def _privileges(spec: LaunchSpec) -> list[str]:
    user = user_of(spec)
    gid = _group(str(spec.group)) if user is None else user.gid
    is_own = (user is None or user.uid == os.geteuid()) and gid == os.getegid()
    if os.geteuid() != 0 and not is_own:
        raise UsageError("workers cannot run as another user or group", "only an agent of root can do that")
    if user is None:
        return [f"--regid={gid}", "--keep-groups"]
    groups = "--clear-groups" if user.name is None else "--init-groups"
    if os.geteuid() != 0:
        groups = "--keep-groups"
    return [f"--reuid={user.uid if user.name is None else user.name}", f"--regid={gid}", groups]


def _limit(name: str, text: str) -> str:
    """``SOFT:HARD`` as prlimit takes it. Raises UsageError for a hard limit above the agent's own."""
    ours = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
    hard = text.partition(":")[2]
    if ours != resource.RLIM_INFINITY and os.geteuid() != 0 and (hard == "unlimited" or int(hard) > ours):
        raise UsageError(
            f"--limit {name}={text} is above the agent's own hard limit of {ours}", "only root can raise it"
        )
    return text

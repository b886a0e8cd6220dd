"""``run --detach``: the command that starts an agent in a session of its own, and waits until its share runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from autohealer.cli.support.detached import MARK
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where
from autohealer.errors import AutohealerError, GaveUpError, UsageError
from autohealer.runtime.private_files import open_file
from autohealer.runtime.state_dir import StateDir
from autohealer.views.lines import clean
from autohealer.views.status import Finished, WorkerRow

if TYPE_CHECKING:
    from autohealer.config.schema import Configuration

PAUSE_S = 0.05


def start_detached(configuration: Configuration) -> int:
    """Start the agent and wait for its share. Raises what it could not start for; GaveUpError where something lacks."""
    if any(pool.log == "stdout" for pool in configuration.pools):
        raise UsageError("--detach and --log stdout do not go together", "use --log file")
    if configuration.agent.dashboard:
        raise UsageError("--detach and --dashboard do not go together", "see it with `autohealer top`")
    arguments = [sys.executable, "-m", "autohealer", *_without_detach(sys.argv[1:])]
    agent = subprocess.Popen(
        arguments,
        env={**os.environ, MARK: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    for name in _wait(agent, configuration):
        click.echo(f"pool {name} runs without this terminal (pid {agent.pid}); see `autohealer status --pool {name}`")
    return 0


def _without_detach(arguments: Sequence[str]) -> list[str]:
    """What was typed, less ``--detach``; what follows ``--`` is the command's."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    return [word for word in arguments[:cut] if word not in ("-d", "--detach")] + list(arguments[cut:])


def _wait(agent: subprocess.Popen[str], configuration: Configuration) -> list[str]:
    """Until the share of each pool runs; their names."""
    options = configuration.agent
    patience_s = options.connect_timeout + max(pool.start_timeout for pool in configuration.pools)
    deadline = time.monotonic() + patience_s
    names = [pool.pool for pool in configuration.pools]
    addresses = {name: PoolAddress(Where(zk=None, pool=name, state_dir=options.state_dir)) for name in names}
    lacking = dict.fromkeys(names, "it has not begun")
    former: dict[str, frozenset[str]] = {}
    while lacking and time.monotonic() < deadline:
        if agent.poll() is not None:
            raise _ended(agent, addresses[names[0]].state)
        for name in list(lacking):
            lack, running = _lack(addresses[name], agent.pid)
            if lack is None and last_longer(former.get(name), running):
                del lacking[name]
            else:
                lacking[name] = lack or "its workers have only just started"
            former[name] = running
        time.sleep(PAUSE_S)
    if lacking:
        told = "; ".join(f"pool {name}: {lack}" for name, lack in lacking.items())
        raise GaveUpError(f"not all runs after {patience_s:g} s: {told}", f"the agent goes on, as pid {agent.pid}")
    return names


def last_longer(former: frozenset[str] | None, running: frozenset[str]) -> bool:
    """Whether some that ran at the look before still run: a command that fails at once may be seen to run at any one.

    Not all of them: of many workers some may end at any time. None: there was no look before.
    """
    return former is not None and bool(former & running or not running)


def _lack(address: PoolAddress, pid: int) -> tuple[str | None, frozenset[str]]:
    """What lacks until this agent's share of the pool runs, None where nothing does; and its workers that run."""
    none: frozenset[str] = frozenset()
    if not address.runs_here or address.state.holder_pid() != pid:
        return "it has not begun", none
    try:
        me, found = address.ask("agent"), address.status()
    except AutohealerError as error:
        return str(error), none
    entry = next((agent for agent in found.agents if agent.agent == me), None) if found else None
    # Before there is a plan, which names its leader, a share of 0 means nothing.
    if found is None or entry is None or entry.share is None or found.leader is None or not found.connected:
        return "it has no share yet", none
    running = frozenset(str(row.worker) for row in found.workers if row.agent == me and row.state == "running")
    ended = found.done or Finished()
    if (entry.running or 0) + ended.done + ended.failed >= entry.share:
        return None, running
    return f"{entry.running or 0} of {entry.share} workers run{_reasons(found.workers)}", running


def _reasons(workers: Sequence[WorkerRow]) -> str:
    """Why the others do not, as far as their last lives tell."""
    causes = {worker.cause for worker in workers if worker.state != "running" and worker.cause}
    return f" ({', '.join(sorted(causes))}; see `autohealer logs`)" if causes else ""


def _ended(agent: subprocess.Popen[str], state: StateDir) -> AutohealerError:
    """What the agent has said at its end, as an error with its exit code."""
    said = agent.stderr.read().strip() if agent.stderr is not None else ""
    if not said:
        said = _last_line(state)
    last = said.splitlines()[-1] if said else "the agent has ended"
    error = AutohealerError(clean(last.removeprefix("error: ")))
    error.exit_code = agent.returncode or 1
    return error


def _last_line(state: StateDir) -> str:
    try:
        with open(open_file(state.agent_log_path, os.O_RDONLY), encoding="utf-8", errors="replace") as file:
            lines = file.read()[-4096:].splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""

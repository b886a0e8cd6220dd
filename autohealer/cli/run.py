"""``autohealer run N -- CMD``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from autohealer.cli.support.access import access_of
from autohealer.cli.support.detached import MARK, let_go
from autohealer.cli.support.late import Late
from autohealer.cli.support.terminals import can_draw
from autohealer.core.notices import EventRecord, fields_of
from autohealer.errors import AutohealerError, UsageError
from autohealer.processes.launch.setup import make_room_for_files, unblock_termination_signals
from autohealer.runtime.agent_process import Audience, run_agent
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.printer import Printer
from autohealer.runtime.state_dir import StateDir
from autohealer.views.lines import clean
from autohealer.views.text import event_line

if TYPE_CHECKING:
    from autohealer.cli.support.dashboard import AgentDashboard
    from autohealer.cli.support.detaching import start_detached
    from autohealer.cli.support.endpoint import AgentEndpoint
    from autohealer.config.schema import Configuration
    from autohealer.coordination.session.access import Access
    from autohealer.runtime.agent_handle import AgentHandle
else:  # only where they are asked for
    AgentDashboard = Late("autohealer.cli.support.dashboard").AgentDashboard
    start_detached = Late("autohealer.cli.support.detaching").start_detached
    AgentEndpoint = Late("autohealer.cli.support.endpoint").AgentEndpoint


class Watchers(msgspec.Struct):
    """Who gets the events, the warnings, a line about where else to look; and what is shown."""

    take: Callable[[EventRecord], None]
    warn: Callable[[str], None]
    say: Callable[[str], None]
    dashboard: AgentDashboard | None = None
    begun: Callable[[], None] | None = None
    """Called once a pool answers on its control socket."""

    def watch(self, _: AgentHandle) -> None:
        """A pool has begun."""
        if self.begun is not None:
            self.begun()


def run(configuration: Configuration, *, detach: bool = False) -> int:
    """Keep N workers of a command alive."""
    access = _access(configuration)
    if detach:
        return start_detached(configuration)
    make_room_for_files(sum(pool.workers for pool in configuration.pools))
    if os.environ.pop(MARK, None) is not None:
        return _run_detached(configuration, access)
    drawn = _has_dashboard(configuration)
    printer, complaints = Printer(sys.stdout), Printer(sys.stderr)
    try:
        if drawn:
            return _run_with_dashboard(configuration, access, printer, complaints)
        show = _json if configuration.agent.json else _line
        watchers = Watchers(
            lambda event: printer.print(show(event)),
            lambda text: complaints.print(clean(f"warning: {text}")),
            complaints.print,
        )
        return _run(configuration, access, watchers)
    finally:
        printer.close()
        complaints.close()


def _run_detached(configuration: Configuration, access: Access) -> int:
    """The agent that ``run --detach`` has started: until it has begun, what is wrong goes to who waits for it."""
    complaints = Printer(sys.stderr)
    state = StateDir(configuration.agent.state_dir, configuration.pools[0].pool)
    is_let_go: list[bool] = []

    def warn(text: str) -> None:
        complaints.print(clean(f"{timestamp(time.time())} warning: {text}"))

    def begun() -> None:
        if not is_let_go:
            is_let_go.append(True)
            with suppress(OSError):
                complaints.redirect(let_go(state))

    try:
        return _run(configuration, access, Watchers(lambda _: None, warn, complaints.print, begun=begun))
    except AutohealerError as error:
        complaints.print(f"{timestamp(time.time())} error: {error}{f'; {error.hint}' if error.hint else ''}")
        raise
    finally:
        complaints.close()


def _line(event: EventRecord) -> str:
    """Where there are several pools, each line names its own."""
    return event_line(event) if event.pool is None else f"{event.pool:<12} {event_line(event)}"


def _json(event: EventRecord) -> str:
    return json.dumps(fields_of(event))


def _access(configuration: Configuration) -> Access:
    access = access_of(configuration.agent)
    if access.tls is not None and configuration.agent.zk is None:
        raise UsageError("TLS is asked for without --zk", "the server inside the agent speaks none, and needs none")
    return access


def _run(configuration: Configuration, access: Access, watchers: Watchers) -> int:
    agent = configuration.agent
    make = watchers.dashboard.make if watchers.dashboard is not None else None
    if agent.http is None:
        audience = Audience(watchers.take, watchers.warn, watchers.watch, make_dashboard=make)
        return run_agent(configuration, access, audience)
    states = [StateDir(agent.state_dir, pool.pool) for pool in configuration.pools]
    endpoint = AgentEndpoint(agent.http, agent.http_host, states, access, say=watchers.say, warn=watchers.warn)

    def take(event: EventRecord) -> None:
        watchers.take(event)
        endpoint.take(event)

    def watch(window: AgentHandle) -> None:
        watchers.watch(window)
        endpoint.watch(window)

    bound = msgspec.structs.replace(configuration, agent=msgspec.structs.replace(agent, http=endpoint.address))
    try:
        audience = Audience(take, watchers.warn, watch, endpoint.noticed, make)
        return run_agent(bound, access, audience)
    finally:
        endpoint.close()


def _has_dashboard(configuration: Configuration) -> bool:
    """Where it was asked for and cannot be, lines are the next best thing: the workers matter more."""
    agent = configuration.agent
    if agent.json or agent.dashboard is False:
        return False
    into_terminal = any(pool.log == "stdout" for pool in configuration.pools)
    if not agent.dashboard:
        return can_draw() and not into_terminal
    if into_terminal:
        raise UsageError(
            "--dashboard and --log stdout would write over each other", "leave one out, and see `autohealer logs`"
        )
    if not can_draw():
        click.echo("warning: stdout is no terminal that could show a dashboard; events are printed instead", err=True)
        return False
    return True


def _run_with_dashboard(configuration: Configuration, access: Access, printer: Printer, complaints: Printer) -> int:
    first, cwd = configuration.pools[0], Path.cwd()
    dashboard = AgentDashboard(StateDir(configuration.agent.state_dir, first.pool), printer, complaints, _line)
    try:
        watchers = Watchers(dashboard.take, dashboard.warn, dashboard.say, dashboard)
        code = _run(configuration, access, watchers)
    finally:
        dashboard.close()
    if not dashboard.is_detached:
        return code
    os.chdir(cwd)  # starts of workers have changed it
    unblock_termination_signals()  # what is started now would never hear of them
    return start_detached(configuration)

"""``autohealer run N -- CMD``."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from autohealer.cli.support.access import access
from autohealer.cli.support.options import as_json, option, where
from autohealer.cli.support.types import Assignment, Duration, SignalNumber, Size
from autohealer.errors import UsageError

MOST_WORKERS = 100_000
LAST_PORT = 65_535


class RunCommand(click.Command):
    """What follows ``--`` is the command, untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Part the command from our own arguments before click sees it."""
        if "--" not in args and not ctx.resilient_parsing:
            found, rest, _ = super().make_parser(ctx).parse_args(args=list(args))
            if rest and "--help" not in args:
                example = f"autohealer run {found['workers']} -- {' '.join(rest)}"
                raise UsageError("there is no -- before the command", f"write: {example}")
        cut = args.index("--") if "--" in args else len(args)
        ctx.params["command"] = tuple(args[cut + 1 :])
        return super().parse_args(ctx, args[:cut])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Of the command that is run we know no more than that it is, or works on, files."""
        if ctx.params["workers"] is not None and (ctx.params["command"] or not incomplete.startswith("-")):
            return [CompletionItem(incomplete, type="file")]
        return super().shell_complete(ctx, incomplete)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line."""
        return ["[OPTIONS]", "N", "--", "CMD..."]


@click.command(cls=RunCommand, short_help="Keep N workers of a command alive.")
@click.argument("workers", metavar="N", type=click.IntRange(0, MOST_WORKERS))
@where
@option("--session-timeout", type=Duration(0.4), default=6.0, help="ZooKeeper session timeout of the agent.")
@option("--connect-timeout", type=Duration(0.1), default=15.0, help="How long to wait for ZooKeeper at the start.")
@option(
    "--on-partition",
    type=click.Choice(["keep", "stop"]),
    default="keep",
    help="Cut off from ZooKeeper: keep the workers (at least N), or stop them before others start theirs (at most N).",
)
@option("--capacity", type=click.IntRange(0), help="The most workers that this agent takes.  [default: no bound]")
@option("--drain-timeout", type=Duration(), default=30.0, help="How long to wait at the end for others to take over.")
@option(
    "--registration",
    type=click.Choice(["auto", "self", "agent"]),
    default="auto",
    help="Who registers workers under /workers: themselves, the agent for them, or whichever is seen to work.",
)
@option("--register-grace", type=Duration(), default=2.0, help="How long a registration may be missing.")
@option("--start-timeout", type=Duration(), default=60.0, help="How long a worker may take to register itself.")
@option("--stop-signal", type=SignalNumber(), default="TERM", help="What asks a worker to stop.")
@option("--stop-timeout", type=Duration(), default=10.0, help="How long it has before SIGKILL.")
@option("--stable-after", type=Duration(0.001), default=10.0, help="A worker that lives so long earns a restart back.")
@option("--backoff-max", type=Duration(), default=30.0, help="The longest wait before a restart.")
@option("--max-failures", type=click.IntRange(1), help="Give up when a worker has failed so often in a row.")
@option("--env", type=Assignment(), multiple=True, help="A variable for the workers' environment; repeatable.")
@option("--cwd", type=click.Path(path_type=Path), help="Working directory of the workers.  [default: this one]")
@option("--port-base", type=click.IntRange(1, LAST_PORT), help="Give each worker PORT = this + its slot.")
@option("--log", type=click.Choice(["file", "stdout", "none"]), default="file", help="Where workers' output goes.")
@option("--log-max-bytes", type=Size(), default="10M", help="Cut a worker's output file back beyond this.")
@click.option(
    "--dashboard/--no-dashboard",
    default=None,
    envvar="AUTOHEALER_DASHBOARD",
    help="Show the pool live, or print a line for each event.  [default: live, where stdout is a terminal]",
)
@option("--http", metavar="HOST:PORT", help="Serve a page, metrics and an API there; needs the extra http.")
@option("--http-host", metavar="NAME", multiple=True, help="A name by which a proxy calls that; repeatable.")
@as_json("Print events as JSON, one object a line.")
@click.pass_context
def command(ctx: click.Context, /, **params: Any) -> int:
    r"""Keep N workers of a command alive.

    \b
      autohealer run 10 -- python worker.py
      autohealer run 4 --port-base 8000 -- ./serve --port {port}
      autohealer run 10 --zk zk1:2181,zk2:2181,zk3:2181 -- python worker.py

    Without --zk, a ZooKeeper-protocol server runs inside. In CMD, {slot}, {port} and {worker} are replaced. Ctrl-C
    stops the workers and ends; a second one kills them at once. When the agent itself is killed, the workers go on,
    and the next `run` takes them over.
    """
    from autohealer.runtime.agent import RunOptions  # noqa: PLC0415 - not for --help
    from autohealer.runtime.printer import Printer  # noqa: PLC0415

    options = _options(ctx, params, RunOptions)
    drawn = _has_dashboard(params)
    printer, complaints = Printer(sys.stdout), Printer(sys.stderr)
    try:
        if drawn:
            return _run_with_dashboard(options, params, printer, complaints)
        watchers = Watchers(
            _listener(printer, params["as_json"]), lambda text: complaints.print(f"warning: {text}"), complaints.print
        )
        return _run(options, params, watchers)
    finally:
        printer.close()
        complaints.close()


@dataclass
class Watchers:
    """Who gets the events, the warnings, a line about where else to look; and who wants to look."""

    take: Callable[[Any], None]
    warn: Callable[[str], None]
    say: Callable[[str], None]
    watch: Callable[[Any], None] | None = None


def _run(options: Any, params: dict[str, Any], watchers: Watchers) -> int:
    from autohealer.runtime.agent import run_agent  # noqa: PLC0415 - not for --help

    if params["http"] is None:
        return run_agent(options, watchers.take, watchers.warn, watchers.watch)
    from autohealer.cli.support.endpoint import AgentEndpoint  # noqa: PLC0415 - only where it is asked for
    from autohealer.runtime.state_dir import StateDir  # noqa: PLC0415

    state = StateDir(options.state_dir, options.spec.name)
    endpoint = AgentEndpoint(params["http"], params["http_host"], state, say=watchers.say, warn=watchers.warn)

    def take(line: Any) -> None:
        watchers.take(line)
        endpoint.take(line)

    def watch(window: Any) -> None:
        if watchers.watch is not None:
            watchers.watch(window)
        endpoint.watch(window)

    try:
        return run_agent(replace(options, http=endpoint.address), take, watchers.warn, watch, endpoint.noticed)
    finally:
        endpoint.close()


def _has_dashboard(params: dict[str, Any]) -> bool:
    """Where it was asked for and cannot be, lines are the next best thing: the workers matter more."""
    if params["as_json"] or params["dashboard"] is False:
        return False
    from autohealer.cli.support.terminals import can_draw  # noqa: PLC0415 - not for --help

    into_terminal = params["log"] == "stdout"
    if not params["dashboard"]:
        return can_draw() and not into_terminal
    if into_terminal:
        raise UsageError(
            "--dashboard and --log stdout would write over each other", "leave one out, and see `autohealer logs`"
        )
    if not can_draw():
        click.echo("warning: stdout is no terminal that could show a dashboard; events are printed instead", err=True)
        return False
    return True


def _run_with_dashboard(options: Any, params: dict[str, Any], printer: Any, complaints: Any) -> int:
    from autohealer.cli.support.dashboard import AgentDashboard  # noqa: PLC0415 - only where it is shown
    from autohealer.runtime.state_dir import StateDir  # noqa: PLC0415

    dashboard = AgentDashboard(StateDir(options.state_dir, options.spec.name), printer, complaints)
    try:
        return _run(options, params, Watchers(dashboard.take, dashboard.warn, dashboard.say, dashboard.watch))
    finally:
        dashboard.close()


def _listener(printer: Any, as_json_lines: bool) -> Callable[[Any], None]:
    if as_json_lines:
        return lambda line: printer.print(json_module.dumps(line))
    from autohealer.views.text import event_line  # noqa: PLC0415

    return lambda line: printer.print(event_line(line))


def _options(ctx: click.Context, params: dict[str, Any], make: Callable[..., Any]) -> Any:
    from autohealer.core.model import OnPartition, PoolSpec, Registration  # noqa: PLC0415
    from autohealer.processes.launch.spawn import Output  # noqa: PLC0415

    argv = ctx.params["command"]
    if not argv:
        raise UsageError("there is no command to run", "write it after --, as in: autohealer run 10 -- sleep 60")
    base, workers = params["port_base"], params["workers"]
    if base is not None and base + workers - 1 > LAST_PORT:
        raise UsageError(f"--port-base {base} leaves no ports for {workers} workers", "begin lower")
    if base is None and any("{port}" in word for word in argv):
        raise UsageError("the command has {port}, and there is no --port-base", "add one, as in: --port-base 8000")
    spec = PoolSpec(
        name=params["pool"] or "default",
        workers=workers,
        registration=Registration(params["registration"]),
        register_grace_s=params["register_grace"],
        start_timeout_s=params["start_timeout"],
        stop_signal=params["stop_signal"],
        stop_timeout_s=params["stop_timeout"],
        stable_after_s=params["stable_after"],
        backoff_max_s=params["backoff_max"],
        max_failures=params["max_failures"],
        on_partition=OnPartition(params["on_partition"]),
        capacity=params["capacity"],
        drain_timeout_s=params["drain_timeout"],
    )
    by = access()
    if by.tls is not None and params["zk"] is None:
        raise UsageError("TLS is asked for without --zk", "the server inside the agent speaks none, and needs none")
    return make(
        spec=spec,
        command=tuple(argv),
        zookeeper=params["zk"],
        session_timeout_s=params["session_timeout"],
        connect_timeout_s=params["connect_timeout"],
        env=dict(params["env"]),
        cwd=params["cwd"],
        port_base=base,
        state_dir=params["state_dir"],
        output=Output(params["log"]),
        output_max_bytes=params["log_max_bytes"],
        access=by,
    )

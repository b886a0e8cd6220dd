"""``autohealer run N -- CMD``."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem

from autohealer.cli.support import shell_complete as completing
from autohealer.cli.support.access import access_of
from autohealer.cli.support.options import SchemaOption, of_schema
from autohealer.cli.support.types import Value
from autohealer.config.options import Group, Place
from autohealer.config.schema import AGENT_FIELDS, FIELDS, POOL_FIELDS, AgentOptions, Configuration, PoolOptions
from autohealer.config.spec import check_pool
from autohealer.errors import UsageError


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

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options by their groups: there are too many for one list."""
        records: dict[str, list[tuple[str, str]]] = {group: [] for group in (*Group, "Other options")}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                group = parameter.field.option.group if isinstance(parameter, SchemaOption) else "Other options"
                records[group].append(record)
        for group, listed in records.items():
            with formatter.section(group):
                formatter.write_dl(listed)


@click.command(cls=RunCommand, short_help="Keep N workers of a command alive.")
@click.argument("workers", metavar="N", type=Value(FIELDS["workers"].option.kind))
@of_schema("pool", shell_complete=completing.pools)
@of_schema(*(name for name, field in FIELDS.items() if name != "pool" and field.option.place is not Place.FILE))
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
    from autohealer.runtime.printer import Printer  # noqa: PLC0415 - not for --help

    agent, pool = _options(ctx.params)
    drawn = _has_dashboard(agent, pool)
    printer, complaints = Printer(sys.stdout), Printer(sys.stderr)
    try:
        if drawn:
            return _run_with_dashboard(agent, pool, printer, complaints)
        watchers = Watchers(
            _listener(printer, agent.json), lambda text: complaints.print(f"warning: {text}"), complaints.print
        )
        return _run(agent, pool, watchers)
    finally:
        printer.close()
        complaints.close()


def _options(params: dict[str, Any]) -> tuple[AgentOptions, PoolOptions]:
    """What was typed, by what it concerns. Raises UsageError."""
    agent = msgspec.convert({name: params[name] for name in AGENT_FIELDS}, AgentOptions)
    pool = msgspec.convert({name: params[name] for name in POOL_FIELDS}, PoolOptions)
    check_pool(pool)
    return agent, pool


@dataclass
class Watchers:
    """Who gets the events, the warnings, a line about where else to look; and who wants to look."""

    take: Callable[[Any], None]
    warn: Callable[[str], None]
    say: Callable[[str], None]
    watch: Callable[[Any], None] | None = None


def _run(agent: AgentOptions, pool: PoolOptions, watchers: Watchers) -> int:
    from autohealer.runtime.agent_process import run_agent  # noqa: PLC0415 - not for --help

    asked, access = Configuration(agent=agent, pools=(pool,)), access_of(agent)
    if agent.http is None:
        return run_agent(asked, access, watchers.take, watchers.warn, watchers.watch)
    from autohealer.cli.support.endpoint import AgentEndpoint  # noqa: PLC0415 - only where it is asked for
    from autohealer.runtime.state_dir import StateDir  # noqa: PLC0415

    state = StateDir(agent.state_dir, pool.pool)
    endpoint = AgentEndpoint(agent.http, agent.http_host, state, access, say=watchers.say, warn=watchers.warn)

    def take(line: Any) -> None:
        watchers.take(line)
        endpoint.take(line)

    def watch(window: Any) -> None:
        if watchers.watch is not None:
            watchers.watch(window)
        endpoint.watch(window)

    asked = msgspec.structs.replace(asked, agent=msgspec.structs.replace(agent, http=endpoint.address))
    try:
        return run_agent(asked, access, take, watchers.warn, watch, noticed=endpoint.noticed)
    finally:
        endpoint.close()


def _has_dashboard(agent: AgentOptions, pool: PoolOptions) -> bool:
    """Where it was asked for and cannot be, lines are the next best thing: the workers matter more."""
    if agent.json or agent.dashboard is False:
        return False
    from autohealer.cli.support.terminals import can_draw  # noqa: PLC0415 - not for --help

    into_terminal = pool.log == "stdout"
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


def _run_with_dashboard(agent: AgentOptions, pool: PoolOptions, printer: Any, complaints: Any) -> int:
    from autohealer.cli.support.dashboard import AgentDashboard  # noqa: PLC0415 - only where it is shown
    from autohealer.runtime.state_dir import StateDir  # noqa: PLC0415

    dashboard = AgentDashboard(StateDir(agent.state_dir, pool.pool), printer, complaints)
    try:
        return _run(agent, pool, Watchers(dashboard.take, dashboard.warn, dashboard.say, dashboard.watch))
    finally:
        dashboard.close()


def _listener(printer: Any, as_json_lines: bool) -> Callable[[Any], None]:
    if as_json_lines:
        return lambda line: printer.print(json_module.dumps(line))
    from autohealer.views.text import event_line  # noqa: PLC0415

    return lambda line: printer.print(event_line(line))

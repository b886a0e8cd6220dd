"""``autohealer zk`` by itself: zkCli's shell. Its lines are the commands; one session stays open for all of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module

import click

from autohealer.cli import INTERRUPTED, outcome
from autohealer.cli.commands.zk import COMMANDS
from autohealer.cli.support.where import Where
from autohealer.cli.zk.session import connected
from autohealer.coordination.explorer.requests import Nodes
from autohealer.errors import UsageError

QUIT = {"quit", "exit", "close"}
ELSEWHERE = {"serve"}
"""Commands that are no lines of a shell."""
OWN = {
    "addauth digest USER:PASSWORD": "Add credentials, for the rest of this session.",
    "help [COMMAND]": "What there is; what a command takes.",
    "quit": "End the session, and its ephemeral nodes with it.",
}


def run(where: Where) -> int:
    """Run lines until `quit` or their end. Of a script, the exit code is that of the first line that failed."""
    ctx = click.get_current_context()
    with connected(where) as nodes:
        ctx.obj = nodes
        return _run_lines(ctx, nodes)


def _run_lines(ctx: click.Context, nodes: Nodes) -> int:
    on_terminal = sys.stdin.isatty()
    if on_terminal:
        click.echo(f"Connected to {nodes.hosts}; `help` lists the commands, `quit` ends.", err=True)
    nodes.on_lost(lambda: click.echo("note: the session has ended, and its ephemeral nodes with it", err=True))
    failed = 0
    for line in _prompted(nodes) if on_terminal else sys.stdin:
        if line.strip() in QUIT:
            break
        code = outcome(partial(_run, ctx, nodes, line))
        failed = failed or code
        if code == INTERRUPTED and not on_terminal:
            break
    return 0 if on_terminal else failed


def _prompted(nodes: Nodes) -> Iterator[str]:
    import_module("readline")  # it gives input() a history and editing
    count = 0
    while True:
        try:
            yield input(f"[zk: {nodes.hosts}({'CONNECTED' if nodes.is_connected else 'CONNECTING'}) {count}] ")
        except EOFError:
            click.echo()
            return
        count += 1


def _run(ctx: click.Context, nodes: Nodes, line: str) -> int:
    try:
        name, *rest = shlex.split(line) or [""]
    except ValueError as error:
        raise UsageError(f"{line.strip()}: {error}", "close the quotation") from error
    if not name:
        return 0
    if name == "help" and not rest:
        _help(ctx)
        return 0
    if name == "addauth":
        nodes.authenticate(":".join(rest))
        return 0
    if name == "help":
        name, rest = rest[0], ["--help"]
    group = ctx.command
    assert isinstance(group, click.Group)  # noqa: S101 - it is a group's own context
    command = group.get_command(ctx, name) if name not in ELSEWHERE else None
    if command is None:
        raise UsageError(f"Command not found: {name}", "`help` lists the commands")
    try:
        with command.make_context(name, rest, parent=ctx) as own:
            code: int = command.invoke(own)
    except click.exceptions.Exit as end:
        return end.exit_code
    return code


def _help(ctx: click.Context) -> None:
    """What works here: the commands, and what there is in a shell alone."""
    commands = {name: text for name, text in COMMANDS.items() if name not in ELSEWHERE}
    formatter = ctx.make_formatter()
    with formatter.section("Commands"):
        formatter.write_dl([*commands.items(), *OWN.items()])
    click.echo(formatter.getvalue().rstrip())

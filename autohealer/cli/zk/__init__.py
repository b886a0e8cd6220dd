"""``autohealer zk``: a ZooKeeper's nodes in zkCli's words, a shell for them, and the embedded server on its own.

session says which ZooKeeper is meant and as whom, show how nodes are printed; every other file is a command.
"""

from __future__ import annotations

import click

from autohealer.cli import Commands
from autohealer.cli.zk import session

COMMANDS = {
    "serve": "Run the embedded ZooKeeper server on its own.",
    "ls": "List the children of a node.",
    "get": "Print the data of a node.",
    "stat": "Print the stat of a node.",
    "create": "Create a node.",
    "set": "Change the data of a node.",
    "delete": "Delete a node that has no children.",
    "deleteall": "Delete a node with all that is below it.",
    "getacl": "Print who may do what with a node.",
    "setacl": "Change who may do what with a node.",
}
# zkCli's spellings, and what deleteall was called up to ZooKeeper 3.5.
ALIASES = {"getAcl": "getacl", "setAcl": "setacl", "rmr": "deleteall"}


class ZkCommands(Commands):
    """The commands by name, each imported when it is used."""

    home = "autohealer.cli.zk"
    offered = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, by either name."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


@click.group(cls=ZkCommands, name="zk", invoke_without_command=True)
@session.options
@click.pass_context
def command(ctx: click.Context, /, **_: object) -> int:
    r"""Look at and change the nodes of any ZooKeeper, in zkCli's words.

    \b
      autohealer zk ls /workers
      autohealer zk create /parent "some parent data"
      autohealer zk                         (a shell, as zkCli's)
      echo 'deleteall /parent' | autohealer zk

    Without --zk it is the ZooKeeper of the pool that runs on this host, else localhost:2181. Credentials come from
    AUTOHEALER_ZK_AUTH=digest:USER:PASSWORD or from a file. In the shell one session stays open, so ephemeral nodes
    live as long as the shell does.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from autohealer.cli.zk.shell import run_shell  # noqa: PLC0415 - not for --help

    with session.connect(ctx) as nodes:
        ctx.obj = nodes
        return run_shell(ctx, nodes)

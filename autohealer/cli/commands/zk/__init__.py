"""``autohealer zk`` and its commands: one a file, by its name."""

from __future__ import annotations

from importlib import import_module

import click

from autohealer.cli import Commands
from autohealer.cli.support.command import with_examples
from autohealer.cli.support.options import where_with_credentials
from autohealer.cli.support.where import where_of

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
HELP = """Look at and change the nodes of any ZooKeeper, in zkCli's words.

      autohealer zk ls /workers
      autohealer zk create /parent "some parent data"
      autohealer zk                         (a shell, as zkCli's)
      echo 'deleteall /parent' | autohealer zk

    Without --zk it is the ZooKeeper of the pool that runs on this host, else localhost:2181. Credentials come
    from AUTOHEALER_ZK_AUTH=digest:USER:PASSWORD or from a file. In the shell one session stays open, so ephemeral
    nodes live as long as the shell does.
    """
# zkCli's spellings, and what deleteall was called up to ZooKeeper 3.5.
ALIASES = {"getAcl": "getacl", "setAcl": "setacl", "rmr": "deleteall"}


class ZkCommands(Commands):
    """The commands by name, each imported when it is used."""

    home = "autohealer.cli.commands.zk"
    offered = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, by either name."""
        return super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


@click.pass_context
def _shell(ctx: click.Context, /, **_: object) -> int:
    """Without a command, a shell."""
    if ctx.invoked_subcommand is not None:
        return 0
    code: int = import_module("autohealer.cli.zk.shell").run(where_of(ctx))
    return code


command = ZkCommands(
    "zk",
    invoke_without_command=True,
    callback=_shell,
    params=where_with_credentials(),
    help=with_examples(HELP),
)

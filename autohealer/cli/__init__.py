"""The command line: parse, wire, print.

Each command is two files of its name: `commands` has what click needs (words, options, help), and beside it, here, is
the typed function ``run`` that does it, with all that it imports; it is imported when the command runs, so --help is
quick and an agent stays small. What several commands share is in `support`; `zk` has the commands of that group.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING

import click

from autohealer import __version__
from autohealer.cli.support.late import Late
from autohealer.errors import AutohealerError, UsageError

if TYPE_CHECKING:
    from difflib import get_close_matches
else:  # only for a mistake
    get_close_matches = Late("difflib").get_close_matches

COMMANDS = {
    "run": "Keep N workers of a command alive.",
    "status": "Show the pool: its target, its agents, its workers.",
    "top": "Show the pool live.",
    "events": "Show what happened.",
    "logs": "Show what the workers wrote.",
    "why": "Tell why workers were replaced.",
    "report": "Show how the pool fared: availability, heals, a timeline.",
    "scale": "Change how many workers the pool has.",
    "restart": "Replace all workers by new ones, one by one.",
    "update": "Replace all workers by workers of another command.",
    "undo": "Go back to the command before the last update.",
    "reload": "Read the configuration file again, and apply what differs.",
    "drain": "Empty an agent; the others take over.",
    "kill": "Kill one worker, to see it heal.",
    "hold": "Keep faulty workers from being replaced.",
    "release": "Let faulty workers be replaced again.",
    "leave": "End the agent, and not its workers, for the next run to take over.",
    "stop": "Stop all workers of the pool, and its agents.",
    "doctor": "Say what is wrong with this set-up, and what to do.",
    "drill": "Do harm to a pool on purpose, to see it mended.",
    "replay": "Run a recorded agent again, decision by decision.",
    "elect": "Stand for election; run a command only while leader.",
    "register": "Register an address of a service.",
    "services": "Show the addresses in the service registry.",
    "watch": "Print every change of a node as it comes.",
    "zk": "Look at and change a ZooKeeper's nodes; run one.",
    "systemd-unit": "Print a systemd unit that runs what run would run.",
    "config": "Say what a configuration file says, and whether it holds.",
    "import": "Print the pools of another supervisor's file as TOML.",
    "completion": "Print what makes a shell complete commands, workers and pools.",
}
INTERRUPTED = 130
# What writing to a full disk, or to a device that is one, ends with.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Commands(click.Group):
    """The commands by name, each imported when it is used. A subclass may have others, with another home."""

    home = "autohealer.cli.commands"
    offered: Mapping[str, str] = COMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Nothing at all is a question for help, and no mistake."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which a user meets them."""
        return list(self.offered)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself."""
        if cmd_name not in self.offered:
            return None
        command: click.Command = import_module(f"{self.home}.{module_name(cmd_name)}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What was typed, or a guess at what was meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            for close in get_close_matches(args[0], self.offered, n=1):
                raise UsageError(f"there is no command {args[0]}", f"did you mean {close}?") from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for ``--help``, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.offered.items()))


@click.group(
    cls=Commands,
    name="autohealer",
    help="""Keep N workers alive, on one machine or on many.

    \b
      autohealer run 10 -- python worker.py
      autohealer run 10 --zk zk1:2181,zk2:2181,zk3:2181 -- python worker.py
    """,
)
@click.version_option(__version__, prog_name="autohealer")
def group() -> None:
    """What all commands have in common is done by themselves."""


def module_name(command: str) -> str:
    """The name of the two files of a command: what Python cannot import by that name has an underscore more."""
    name = command.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit; every error is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that a console cannot show ends no printing
            stream.reconfigure(errors="replace")
    try:
        code = outcome(lambda: group.main(args, prog_name="autohealer", standalone_mode=False))
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has had enough; there is nobody to tell.
        sys.stdout = None  # or the interpreter complains as it flushes it at its end
        code = 0
    except OSError as error:
        if error.errno not in NO_ROOM or error.filename is not None:
            raise
        sys.stdout = None
        code = _fail(1, f"cannot write the output: {error.strerror}", "make room where it goes")
    sys.exit(code)


def outcome(command: Callable[[], int | None]) -> int:
    """The exit code of a command; its error, if any, is one line on stderr."""
    try:
        return command() or 0
    except AutohealerError as error:
        return _fail(error.exit_code, str(error), error.hint)
    except click.UsageError as error:
        path, message = error.ctx.command_path if error.ctx else "autohealer", error.format_message().replace("\n", " ")
        return _fail(error.exit_code, message, "" if "; " in message else f"see {path} --help")
    except click.ClickException as error:
        return _fail(error.exit_code, error.format_message(), "")
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED


def _fail(code: int, message: str, hint: str) -> int:
    message = message.rstrip(".")
    line = f"error: {message}; {hint}" if hint else f"error: {message}"
    # Names from ZooKeeper may hold what a terminal would obey. Imported only where there is an error to print.
    clean: Callable[[str], str] = import_module("autohealer.views.lines").clean
    with suppress(OSError):  # nobody can be told
        click.echo(clean(line), err=True)
    return code

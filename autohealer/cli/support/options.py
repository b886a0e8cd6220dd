"""Options that several commands have; those of the schema with the environment variables that stand for them."""

from __future__ import annotations

from typing import Any

import click

from autohealer.cli.support import shell_complete
from autohealer.cli.support.moment import Moment
from autohealer.cli.support.selection import Pattern
from autohealer.cli.support.types import Value
from autohealer.config.kinds import Duration, FilePath, Flag, Kind
from autohealer.config.options import PREFIX, Field, collected
from autohealer.config.schema import FIELDS
from autohealer.core.rollout_spec import parallel_of


class SchemaOption(click.Option):
    """An option of `autohealer.config.schema`; it is shown, and has, its default there only if ``with_default``."""

    def __init__(self, field: Field, *, with_default: bool = True, **more: Any) -> None:
        option, default = field.option, field.default_text if with_default else ""
        is_flag = isinstance(option.kind, Flag)
        words = f"{field.typed}/--no-{field.key}" if is_flag and field.default is None else field.typed
        kind = {"is_flag": True} if is_flag else {"type": Value(option.kind), "metavar": option.kind.name}
        settings: dict[str, Any] = {
            "envvar": field.variable,
            "help": f"{option.help}  [default: {default}]" if default else option.help,
            "multiple": option.many,
            "default": field.default if with_default and not option.many else None,
        }
        super().__init__([words, field.field], **kind, **settings | more)
        self.field = field

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Several values as the schema has them: a table, or a tuple."""
        cast = super().type_cast_value(ctx, value)
        return collected(self.field.option, cast) if self.multiple else cast


def option(name: str, kind: Kind[Any], text: str, default: str | None = None) -> click.Option:
    """An option of one command that is also ``AUTOHEALER_NAME`` in the environment; ``default`` as it is typed."""
    variable = PREFIX + name.lstrip("-").upper().replace("-", "_")
    return value(name, kind=kind, text=text, default=default, envvar=variable)


def value(
    *names: str, kind: Kind[Any], text: str, default: str | None = None, envvar: str | None = None
) -> click.Option:
    """An option of one command, with a value."""
    return click.Option(
        names,
        type=Value(kind),
        metavar=kind.name,
        default=default,
        show_default=default is not None,
        help=text,
        envvar=envvar,
    )


def rollout(soak: str) -> tuple[click.Option, ...]:
    """``--soak``, ``--parallel`` and ``--force``; ``soak`` is what holds where none is given."""
    return (
        value("--soak", kind=Duration(), text=f"How long a new worker must stay ready.  [default: {soak}]"),
        click.Option(
            ["--parallel"],
            callback=_parallel,
            metavar="N|N%",
            help="How many are replaced at once, or which part of an agent's workers.  [default: 1]",
        ),
        flag("--force", text="Go on past workers that fail."),
    )


def _parallel(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    """The text, if it means something."""
    if text is not None:
        try:
            parallel_of(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return text


def flag(*names: str, text: str) -> click.Option:
    """An option without a value."""
    return click.Option(names, is_flag=True, help=text)


def argument(name: str, *, kind: Kind[Any] | None = None, required: bool = True, **more: Any) -> click.Argument:
    """What is known by its place; any text where no ``kind`` is given. ``more`` is for click."""
    return click.Argument([name], type=Value(kind) if kind is not None else None, required=required, **more)


def as_json(what: str) -> click.Option:
    """``--json``."""
    return flag("--json", "as_json", text=what)


def between(what: str) -> list[click.Option]:
    """``--since``, ``--until``, ``--grep`` and ``--utc``; ``what`` the lines did at their times."""
    return [
        value("--since", kind=Moment(), text=f"Only what {what} since: a duration ago, HH:MM[:SS], or RFC 3339."),
        value("--until", kind=Moment(), text="And until then."),
        value("--grep", kind=Pattern(), text="Only lines that this regular expression is found in."),
        flag("--utc", text="Times in UTC; without, in this host's time zone. JSON always has UTC."),
    ]


def no_wait() -> click.Option:
    """``--no-wait``."""
    return flag("--no-wait", text="Ask for it, and do not wait until it is done.")


def where() -> list[click.Parameter]:
    """Which pool is meant, and its ZooKeeper: they reach a command as one `Where`."""
    return [
        SchemaOption(FIELDS[name], with_default=False, shell_complete=shell_complete.pools if name == "pool" else None)
        for name in ("zk", "zk_ca", "zk_cert", "zk_key", "pool", "state_dir")
    ]


def where_with_credentials() -> list[click.Parameter]:
    """Those, and ``--auth-file``, for commands that speak to any ZooKeeper."""
    text = "A file that holds digest:USER:PASSWORD, as AUTOHEALER_ZK_AUTH may."
    return [*where(), value("--auth-file", kind=FilePath(), text=text, envvar="AUTOHEALER_ZK_AUTH_FILE")]

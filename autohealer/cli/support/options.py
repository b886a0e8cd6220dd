"""Options that several commands have; those of the schema with the environment variables that stand for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from autohealer.cli.support import shell_complete as completing
from autohealer.cli.support.access import by_tls
from autohealer.cli.support.types import Value
from autohealer.config.kinds import Flag, Kind
from autohealer.config.options import PREFIX, Field, collected
from autohealer.config.schema import FIELDS

Function = TypeVar("Function", bound=Callable[..., Any])


class SchemaOption(click.Option):
    """An option of `autohealer.config.schema`."""

    def __init__(self, field: Field, *, show_default: bool = True, **more: Any) -> None:
        option, default = field.option, field.default_text if show_default else ""
        is_flag = isinstance(option.kind, Flag)
        words = f"{field.typed}/--no-{field.key}" if is_flag and field.default is None else field.typed
        kind = {"is_flag": True} if is_flag else {"type": Value(option.kind), "metavar": option.kind.name}
        settings: dict[str, Any] = {
            "envvar": field.variable,
            "help": f"{option.help}  [default: {default}]" if default else option.help,
            "multiple": option.many,
            "default": field.default if show_default and not option.many else None,
        }
        super().__init__([words, field.field], **kind, **settings | more)
        self.field = field

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Several values as the schema has them: a table, or a tuple."""
        cast = super().type_cast_value(ctx, value)
        return collected(self.field.option, cast) if self.multiple else cast


def of_schema(*fields: str, **more: Any) -> Callable[[Function], Function]:
    """The options of these fields of the schema, in this order. With ``show_default=False`` they have no default."""

    def decorate(function: Function) -> Function:
        for name in reversed(fields):
            function = click.option(cls=_made(FIELDS[name]), **more)(function)
        return function

    return decorate


def _made(field: Field) -> Any:
    return lambda _, **more: SchemaOption(field, **more)


def option(name: str, kind: Kind[Any], default: str, text: str) -> Callable[[Function], Function]:
    """An option of one command that is also ``AUTOHEALER_NAME`` in the environment; ``default`` as it is typed."""
    return click.option(
        name,
        type=Value(kind),
        metavar=kind.name,
        default=default,
        show_default=True,
        help=text,
        envvar=PREFIX + name.lstrip("-").upper().replace("-", "_"),
    )


def where(function: Function) -> Function:
    """``--zk``, ``--pool`` and ``--state-dir``: which pool is meant. With ``--zk-ca`` and so on, see `by_tls`."""
    zk, state_dir = (of_schema(name, show_default=False) for name in ("zk", "state_dir"))
    pool = of_schema("pool", show_default=False, shell_complete=completing.pools)
    return zk(by_tls(pool(state_dir(function))))


def as_json(what: str) -> Callable[[Function], Function]:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help=what)


def no_wait(function: Function) -> Function:
    """``--no-wait``."""
    return click.option("--no-wait", is_flag=True, help="Ask for it, and do not wait until it is done.")(function)

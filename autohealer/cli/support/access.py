"""As whom, and how, a command speaks to ZooKeeper: credentials from the environment or a file, TLS by options."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from autohealer.config.schema import FIELDS
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.config.schema import AgentOptions
    from autohealer.coordination.session.access import Access

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS = ("ca", "cert", "key")
_HOME = "autohealer.cli.support.access."


def by_tls(function: Function) -> Function:
    """``--zk-ca``, ``--zk-cert`` and ``--zk-key``; `access` finds them, so that no command has to hand them on."""
    for name in reversed(OPTIONS):
        function = click.option(
            f"--zk-{name}",
            metavar="FILE",
            envvar=f"AUTOHEALER_ZK_{name.upper()}",
            help=FIELDS[f"zk_{name}"].option.help,
            expose_value=False,
            callback=_note,
        )(function)
    return function


def access(auth: str | None = None) -> Access:
    """What was typed, and ``AUTOHEALER_ZK_AUTH`` where ``auth`` is not given. UsageError where it is of no use."""
    from autohealer.coordination.session.access import Access  # noqa: PLC0415 - kazoo, only where it is needed
    from autohealer.coordination.session.tls import Tls  # noqa: PLC0415

    meta = click.get_current_context().meta
    files = {name: meta[_HOME + name] for name in OPTIONS if _HOME + name in meta}
    return Access.parse(auth or os.environ.get("AUTOHEALER_ZK_AUTH"), Tls(**files).check() if files else None)


def access_of(agent: AgentOptions) -> Access:
    """As whom, and how, an agent with these options speaks to its ZooKeeper. UsageError where that makes no sense."""
    from autohealer.coordination.session.access import Access  # noqa: PLC0415 - kazoo, only where it is needed
    from autohealer.coordination.session.tls import Tls  # noqa: PLC0415

    files = {name: file for name in OPTIONS if (file := getattr(agent, f"zk_{name}")) is not None}
    if files and agent.zk is None:
        raise UsageError("TLS is asked for without --zk", "the server inside the agent speaks none, and needs none")
    return Access.parse(os.environ.get("AUTOHEALER_ZK_AUTH"), Tls(**files).check() if files else None)


def _note(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Take it down for `access`. What is typed counts before the environment, as it may with an outer command."""
    name = _HOME + str(param.name).removeprefix("zk_")
    typed = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    if value and (typed or name not in ctx.meta):
        ctx.meta[name] = value

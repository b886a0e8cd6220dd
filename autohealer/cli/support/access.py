"""As whom, and how, a command speaks to ZooKeeper: credentials from the environment or a file, TLS by options."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from autohealer.coordination.session.access import Access

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS = {
    "ca": "Speak TLS to ZooKeeper; the authority that vouches for it, in PEM.",
    "cert": "The certificate to show to ZooKeeper, in PEM.",
    "key": "Its key, in PEM; by default in the file of --zk-cert.",
}
_HOME = "autohealer.cli.support.access."


def by_tls(function: Function) -> Function:
    """``--zk-ca``, ``--zk-cert`` and ``--zk-key``; `access` finds them, so that no command has to hand them on."""
    for name, text in reversed(OPTIONS.items()):
        function = click.option(
            f"--zk-{name}",
            metavar="FILE",
            envvar=f"AUTOHEALER_ZK_{name.upper()}",
            help=text,
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


def _note(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Take it down for `access`. What is typed counts before the environment, as it may with an outer command."""
    name = _HOME + str(param.name).removeprefix("zk_")
    typed = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    if value and (typed or name not in ctx.meta):
        ctx.meta[name] = value

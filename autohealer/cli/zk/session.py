"""What these commands share: which ZooKeeper is meant, as whom, and the session, which is the shell's within one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from autohealer.cli.support.access import access
from autohealer.cli.support.options import where
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.coordination.explorer.requests import Nodes
    from autohealer.coordination.session.access import Access

Function = TypeVar("Function", bound=Callable[..., Any])

USUAL = "localhost:2181"
ANSWER_S = 5.0
OPTIONS = ("zk", "pool", "state_dir", "auth_file")


def options(function: Function) -> Function:
    """``--zk``, ``--pool``, ``--state-dir`` and ``--auth-file``."""
    auth_file = click.option(
        "--auth-file",
        envvar="AUTOHEALER_ZK_AUTH_FILE",
        type=click.Path(path_type=Path),
        help="A file that holds digest:USER:PASSWORD, as AUTOHEALER_ZK_AUTH may.",
    )
    return where(auth_file(function))


def session(function: Function) -> Function:
    """Those options, which reach the command as an open session: ``nodes``."""

    @wraps(function)
    def opened(*args: Any, zk: str | None, pool: str | None, state_dir: str | None, auth_file: Path | None,
               **others: Any) -> Any:  # fmt: skip
        ctx = click.get_current_context()
        shared = shells_session(ctx)
        if shared is not None and not _typed(ctx):
            return function(*args, nodes=shared, **others)
        with connect(ctx) as nodes:
            return function(*args, nodes=nodes, **others)

    return options(opened)  # type: ignore[return-value]  # click looks at the options, not at the signature


def path_argument(function: Function) -> Function:
    """PATH, which is looked at before anything is connected."""
    return click.argument("path", callback=lambda _ctx, _param, path: _checked(path))(function)


def connect(ctx: click.Context) -> Nodes:
    """A session with the ZooKeeper that the command means. UnreachableError where it does not answer."""
    from autohealer.coordination.explorer.requests import Nodes  # noqa: PLC0415 - kazoo, only where it is needed

    hosts, access = reach(ctx)
    return Nodes(hosts, ANSWER_S, access)


def reach(ctx: click.Context) -> tuple[str, Access]:
    """The connection string that is meant, and how it is spoken to. What is typed counts before the environment."""
    typed_before = _typed(ctx.parent) if ctx.parent is not None else {}
    chosen = {**{name: ctx.params[name] for name in OPTIONS}, **typed_before, **_typed(ctx)}
    hosts = chosen["zk"] or _hosts_of_pool(chosen["pool"], chosen["state_dir"]) or USUAL
    return hosts, access(_credentials(chosen["auth_file"]))


def shells_session(ctx: click.Context) -> Nodes | None:
    """The session that stays open, where the command is a line of the shell."""
    from autohealer.coordination.explorer.requests import Nodes  # noqa: PLC0415

    return ctx.find_object(Nodes)


def _typed(ctx: click.Context) -> dict[str, Any]:
    """What the command line itself says."""
    return {name: ctx.params[name] for name in OPTIONS if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def _hosts_of_pool(pool: str | None, state_dir: str | None) -> str | None:
    from autohealer.cli.support.pool import PoolAddress  # noqa: PLC0415 - not with --zk

    address = PoolAddress(None, pool, state_dir)
    ledger = address.ledger() if address.runs_here else None
    return ledger.facts.zookeeper if ledger is not None else None


def _credentials(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--auth-file {file} cannot be read: {why}", "it should hold digest:USER:PASSWORD") from error


def _checked(path: str) -> str:
    from autohealer.coordination.explorer.requests import check_path  # noqa: PLC0415 - not for --help

    check_path(path)
    return path

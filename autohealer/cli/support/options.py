"""Options that several commands have, each also in the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from autohealer.cli.support import shell_complete as completing
from autohealer.cli.support.access import by_tls

Function = TypeVar("Function", bound=Callable[..., Any])


def option(name: str, *more: str, **settings: Any) -> Callable[[Function], Function]:
    """An option that is also ``AUTOHEALER_NAME`` in the environment, and shows its default."""
    variable = name.lstrip("-").upper().replace("-", "_")
    return click.option(name, *more, envvar=f"AUTOHEALER_{variable}", **{"show_default": True, **settings})


def where(function: Function) -> Function:
    """``--zk``, ``--pool`` and ``--state-dir``: which pool is meant. With ``--zk-ca`` and so on, see `by_tls`."""
    zk = option("--zk", metavar="HOSTS[/CHROOT]", help="Connection string of a ZooKeeper ensemble.")
    pool = option("--pool", metavar="NAME", help="Name of the pool.", shell_complete=completing.pools)
    state_dir = option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where agents on this host keep their state.",
    )
    return zk(by_tls(pool(state_dir(function))))


def as_json(what: str) -> Callable[[Function], Function]:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help=what)


def no_wait(function: Function) -> Function:
    """``--no-wait``."""
    return click.option("--no-wait", is_flag=True, help="Ask for it, and do not wait until it is done.")(function)

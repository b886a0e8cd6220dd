"""Which pool or ZooKeeper a command means, and how it is spoken to: what the options for that come to."""

from __future__ import annotations

from typing import NamedTuple

import click
from click.core import ParameterSource


class Where(NamedTuple):
    """``--zk``, ``--pool``, ``--state-dir``, ``--zk-ca`` and so on, and ``--auth-file`` where there is one."""

    zk: str | None = None
    pool: str | None = None
    state_dir: str | None = None
    zk_ca: str | None = None
    zk_cert: str | None = None
    zk_key: str | None = None
    auth_file: str | None = None


WHERE_NAMES = frozenset(Where._fields)


def where_of(ctx: click.Context) -> Where:
    """What is typed counts before the environment, also with an outer command, as in ``zk --zk HOSTS ls``."""
    outer = typed_where(ctx.parent) if ctx.parent is not None else {}
    own = {name: value for name, value in ctx.params.items() if name in WHERE_NAMES}
    return Where(**{**own, **outer, **typed_where(ctx)})


def typed_where(ctx: click.Context) -> dict[str, str | None]:
    """What the command line itself says of it."""
    return {
        name: value
        for name, value in ctx.params.items()
        if name in WHERE_NAMES and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }

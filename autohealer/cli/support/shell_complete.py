"""What the shell's completion offers beyond commands and options: workers, agents and pools that there are now.

Whatever goes wrong offers nothing: who presses Tab is not to be told of errors, nor to wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autohealer.errors import AutohealerError

if TYPE_CHECKING:
    from autohealer.cli.support.pool import PoolAddress

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
MOST = 200


def workers(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The slots and ids of those that run."""
    found = [worker for worker in _status(ctx).get("workers", []) if worker["pid"] is not None]
    slots = [str(worker["slot"]) for worker in found if worker["slot"] is not None]
    return _beginning(incomplete, [*dict.fromkeys(slots), *(worker["worker"] for worker in found)])


def agents(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The agents of the pool."""
    return _beginning(incomplete, [agent["agent"] for agent in _status(ctx).get("agents", [])])


def pools(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The pools that run on this host."""
    from autohealer.runtime.state_dir import pools_running  # noqa: PLC0415 - only for completion

    with suppress(AutohealerError, OSError):
        return _beginning(incomplete, pools_running(_typed(ctx, "state_dir")))
    return []


def _status(ctx: click.Context) -> dict[str, Any]:
    from autohealer.cli.status import pool_status  # noqa: PLC0415
    from autohealer.cli.support.pool import PoolAddress  # noqa: PLC0415 - only for completion

    with suppress(AutohealerError, OSError):
        address: PoolAddress = PoolAddress(*(_typed(ctx, name) for name in ("zk", "pool", "state_dir")))
        return pool_status(address)
    return {}


def _typed(ctx: click.Context, name: str) -> Any:
    """An option as it was typed, or from the environment."""
    value = ctx.params.get(name)
    if value is None:
        parameter = next((p for p in ctx.command.params if p.name == name), None)
        value = parameter.value_from_envvar(ctx) if parameter is not None else None
    return Path(str(value)) if name == "state_dir" and value is not None else value


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)][:MOST]

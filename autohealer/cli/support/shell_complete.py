"""What the shell's completion offers beyond commands and options: workers, agents and pools that there are now.

Whatever goes wrong offers nothing: who presses Tab is not to be told of errors, nor to wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from autohealer.cli.support.late import Late
from autohealer.cli.support.where import WHERE_NAMES, Where
from autohealer.errors import AutohealerError

if TYPE_CHECKING:
    from autohealer.cli.support import present
else:  # only for completion, and not for every command that has it
    present = Late("autohealer.cli.support.present")

MOST = 200
BEHIND = "autohealer.cli.support.shell_complete.behind"
"""In a context: whether ``--`` was typed, behind which there is another command."""


def workers(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The slots and ids of those that run."""
    return _beginning(incomplete, lambda: present.workers(_where(ctx)))


def agents(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The agents of the pool."""
    return _beginning(incomplete, lambda: present.agents(_where(ctx)))


def pools(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The pools that run on this host."""
    return _beginning(incomplete, lambda: present.pools(_where(ctx)))


def nodes(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str] | list[CompletionItem]:
    """The nodes of the ZooKeeper that is meant, below the part of a path that was typed."""
    if ctx.meta.get(BEHIND):  # click takes an argument that was left out for the next word, wherever that is
        return ctx.command.shell_complete(ctx, incomplete)
    return _beginning(incomplete, lambda: present.nodes(_where(ctx), incomplete))


def programs(incomplete: str) -> list[str]:
    """The programs in PATH; nothing where a path is typed."""
    return [] if "/" in incomplete else _beginning(incomplete, lambda: present.programs(incomplete))


def _where(ctx: click.Context) -> Where:
    """The options as they were typed, or from the environment."""
    known = {name: p for p in ctx.command.params if (name := p.name) in WHERE_NAMES}
    outer = ctx.parent.params if ctx.parent is not None else {}
    values = {name: ctx.params.get(name) or outer.get(name) or p.value_from_envvar(ctx) for name, p in known.items()}
    return Where(**{name: str(value) for name, value in values.items() if value is not None})


def _beginning(incomplete: str, look: Callable[[], Iterable[str]]) -> list[str]:
    with suppress(AutohealerError, OSError):
        return [word for word in look() if word.startswith(incomplete)][:MOST]
    return []

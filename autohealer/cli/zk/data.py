"""DATA on the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from autohealer.cli.zk.session import shells_session

Function = TypeVar("Function", bound=Callable[..., Any])


def data_argument(*, required: bool) -> Callable[[Function], Function]:
    """DATA, which reaches the command as bytes; ``-`` is stdin, but in the shell, which reads that itself."""
    return click.argument("data", required=required, callback=_bytes)


def _bytes(ctx: click.Context, _param: click.Parameter, value: str | None) -> bytes | None:
    if value is None or ctx.resilient_parsing:
        return None
    if value == "-" and shells_session(ctx) is None:
        return sys.stdin.buffer.read()
    # What is not UTF-8 comes as surrogates, and goes as it came.
    return value.encode("utf-8", "surrogateescape")

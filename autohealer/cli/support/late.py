"""Modules that are imported when something of them is first used: kazoo, rich and the like, where few need them.

A type checker is shown the module, or the function, itself::

    if TYPE_CHECKING:
        from autohealer.coordination.admin.pool_client import connect
    else:
        connect = Late("autohealer.coordination.admin.pool_client").connect
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


class Late:
    """The functions of a module; calling one imports it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            function: Callable[..., object] = getattr(import_module(self._module), name)
            return function(*args, **named)

        return call

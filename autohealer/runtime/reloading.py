"""From a configuration to what reads its file again; where there is no file, nothing of that is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.config.schema import Configuration, NotifyOptions
    from autohealer.core.notices import Notice
    from autohealer.runtime.reload import Pools, Reloader


def make_reloader(
    configuration: Configuration,
    environ: Mapping[str, str],
    pools: Pools,
    take_notify: Callable[[Sequence[NotifyOptions]], None],
    tell: Callable[[Notice], object],
) -> Reloader | None:
    """What reloads the file of these pools; None where they are of the command line."""
    if configuration.file is None:
        return None
    made: type[Reloader] = import_module("autohealer.runtime.reload").Reloader
    return made(configuration, environ, pools, take_notify, tell)

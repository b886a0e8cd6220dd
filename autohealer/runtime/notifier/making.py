"""From ``[[notify]]`` to the notifier; where there is none, nothing of it is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from autohealer.runtime.notifier.messages import NoticeTarget, RuleSpec

if TYPE_CHECKING:
    import asyncio

    from autohealer.config.schema import NotifyOptions
    from autohealer.processes.reaper import Reaper
    from autohealer.runtime.notifier.owner import Notifier


def make_notifier(
    loop: asyncio.AbstractEventLoop, reaper: Reaper, notify: Sequence[NotifyOptions], warn: Callable[[str], None]
) -> Notifier | None:
    """The notifier of this process; None where nobody is to be told of anything."""
    if not notify:
        return None
    notifier: Notifier = import_module("autohealer.runtime.notifier.owner").Notifier(loop, reaper, specs(notify), warn)
    return notifier


def specs(notify: Sequence[NotifyOptions]) -> list[RuleSpec]:
    """The rules as they go to the process that sends."""
    return [
        RuleSpec(
            on=one.on,
            for_s=one.for_,
            every_s=one.every,
            target=NoticeTarget(one.webhook, one.url_file, one.exec, one.format == "slack"),
        )
        for one in notify
    ]

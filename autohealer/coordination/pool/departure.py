"""The end of an agent's membership: what is its own goes, and with the last agent what is the pool's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autohealer.coordination.session.batch import Batch
from autohealer.coordination.session.port import SessionPort


class Departure:
    """Takes nodes away: ``own`` are the agent's, ``of_pool`` the pool's. ``ended`` is called once that is through.

    A plan without its pool would be followed by the next one of the same name.
    """

    def __init__(
        self,
        link: SessionPort,
        bulk: Batch,
        agents: str,
        *,
        own: Sequence[str],
        of_pool: Sequence[str],
        ended: Callable[[], None],
    ) -> None:
        self._link, self._bulk, self._agents, self._ended = link, bulk, agents, ended
        self._of_pool = of_pool
        self._outstanding: int | None = None
        self._take_away(own)

    def cut(self) -> None:
        """The connection is gone: what is left ends with the session."""
        if self._outstanding is not None:
            self._end()

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._outstanding = None

    def _take_away(self, paths: Sequence[str]) -> None:
        self._outstanding = len(paths)
        for path in paths:
            self._bulk.delete(path, self._one_gone)
        self._bulk.flush()

    def _one_gone(self, _error: Exception | None) -> None:
        if self._outstanding is not None:
            self._outstanding -= 1
            if self._outstanding == 0:
                self._all_gone()

    def _all_gone(self) -> None:
        """Look who is left only now that its own entry is gone: of those that leave together, the last finds nobody."""
        if self._of_pool:
            self._link.children(self._agents, self._listed)
        else:
            self._end()

    def _listed(self, names: Any, error: Exception | None) -> None:
        if error is None:
            self._look_at(list(names))
        else:
            self._end()

    def _look_at(self, names: list[str]) -> None:
        """One after the other: the first that is an agent, and no persistent node, is enough."""
        if not names:
            paths, self._of_pool = self._of_pool, ()
            self._take_away(paths)
            return

        def looked(stat: Any, error: Exception | None) -> None:
            if error is not None or (stat is not None and stat.ephemeralOwner):
                self._end()
            else:
                self._look_at(names)

        self._link.exists(f"{self._agents}/{names.pop()}", looked)

    def _end(self) -> None:
        self._outstanding = None
        self._ended()

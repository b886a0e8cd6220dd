"""Standing for election: an ephemeral sequential node, and a watch on the one before it alone.

A candidate's node is called AGENT:UNIQUE:NUMBER. A connection may break while it is made, which leaves open whether
it was: by the unique part it is found again. By the agent's id are found those that a former life has left.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.paths import sequence_of
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.port import SessionPort


def random_token() -> str:
    """What makes one candidature unlike any other."""
    return secrets.token_hex(4)


class ElectionCallbacks(msgspec.Struct, frozen=True):
    """Who hears of the outcome."""

    won: Callable[[int], None]
    """Called with the epoch once this agent is first."""

    lost: Callable[[], None]
    """Called when its node is gone in mid-term."""


class Election:
    """One that stands for election at a path, anew with each session."""

    def __init__(
        self,
        link: SessionPort,
        path: str,
        agent: str,
        access: Access,
        callbacks: ElectionCallbacks,
        *,
        token: Callable[[], str] = random_token,
    ) -> None:
        self._link, self._path, self._agent, self._access = link, path, agent, access
        self._won, self._lost, self._token = callbacks.won, callbacks.lost, token
        self._unique = self._before = ""
        self._name: str | None = None
        self._epoch: int | None = None
        self._no_candidates: set[str] = set()
        self._open = self._busy = self._again = False

    @property
    def leading(self) -> bool:
        """Whether this agent leads, as far as it can know."""
        return self._epoch is not None

    @property
    def node(self) -> str | None:
        """The path of this agent's candidature, where it stands."""
        return None if self._name is None else f"{self._path}/{self._name}"

    def resume(self) -> None:
        """There is a connection: find out where this candidate stands."""
        self._open = True
        self._unique = self._unique or f"{self._agent}:{self._token()}:"
        self.step()

    def cut(self) -> None:
        """The connection is gone."""
        self._open = self._busy = self._again = False

    def session_ended(self) -> None:
        """The candidature went with the session."""
        self._unique = ""
        self._name = self._epoch = None

    def leave(self) -> None:
        """Stand no more."""
        self._open = False

    def step(self) -> None:
        """Look at all candidates, and take the next step."""
        if not self._open or not self._link.up:
            return
        if self._busy:
            self._again = True
            return
        self._busy, self._again = True, False
        self._link.children(self._path, self._listed)

    def _listed(self, names: Any, error: Exception | None) -> None:
        if error is not None or not self._open:
            self._rest()
            return
        self._no_candidates.intersection_update(names)
        candidates = {
            name: number
            for name in names
            if name not in self._no_candidates and (number := sequence_of(name)) is not None
        }
        mine = [name for name in candidates if name.startswith(self._unique)]
        former = [name for name in candidates if name not in mine and name.rsplit(":", 2)[0] == self._agent]
        for name in former:
            self._link.delete(f"{self._path}/{name}", _unminded)
        if not mine:
            self._contend()
            return
        self._name = mine[0]
        rank = candidates[self._name]
        before = [(n, name) for name, n in candidates.items() if n < rank and name not in former]
        if before:
            # Nobody comes before who stands already, unless ZooKeeper has gone back to an older state.
            self._forget_epoch()
            self._before = max(before)[1]
            self._link.exists(f"{self._path}/{self._before}", self._followed, self._fired)
        else:
            self._link.exists(f"{self._path}/{self._name}", self._confirmed, self._fired)

    def _contend(self) -> None:
        if self._name is not None:
            self._name = None
            self._forget_epoch()
        path = f"{self._path}/{self._unique}"
        self._link.create(path, self._agent.encode(), self._access.acl, self._created, ephemeral=True, sequence=True)

    def _created(self, path: Any, error: Exception | None) -> None:
        if error is None:
            self._name = path.rpartition("/")[2]
            self._again = True
        self._rest()

    def _followed(self, stat: Any, error: Exception | None) -> None:
        if error is None and stat is not None and not stat.ephemeralOwner:
            # A node of no session stands for nobody, and would be waited for for ever.
            self._no_candidates.add(self._before)
            self._again = True
        self._again = self._again or (error is None and stat is None)
        self._rest()

    def _confirmed(self, stat: Any, error: Exception | None) -> None:
        if error is None and stat is None:
            self._again = True
        elif error is None and self._open and self._epoch != stat.czxid:
            self._epoch = stat.czxid
            self._won(stat.czxid)
        self._rest()

    def _rest(self) -> None:
        self._busy = False
        if self._again:
            self.step()

    def _forget_epoch(self) -> None:
        if self._epoch is not None:
            self._epoch = None
            self._lost()

    def _fired(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE:
            self.step()


def _unminded(_value: Any, _error: Exception | None) -> None:
    """If it could not be deleted, the next look finds it again."""

"""One candidate of an election that is nobody's pool: `autohealer elect`.

Each candidate watches the one before it alone, so that the end of a leader stirs a single one. Who leads is read now
and then instead: whoever only wants to know can wait a moment for it.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

from autohealer.coordination.election.election import Election, ElectionCallbacks
from autohealer.coordination.pool.base_paths import BasePaths
from autohealer.coordination.pool.codec import read_name
from autohealer.coordination.pool.paths import Folder, sequence_of
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core.cluster.lease import REQUEST_AFTER

CLOSE_WITHIN_S = 1.0


class CandidateObserver(Protocol):
    """Who is told how the candidate fares."""

    def connected(self, session_timeout: float) -> None:
        """There is a connection, in a session with this timeout."""

    def disconnected(self) -> None:
        """There is none."""

    def won(self, epoch: int) -> None:
        """The candidate is the first."""

    def lost(self) -> None:
        """Its node is gone, or its session."""

    def proven(self, epoch: int, asked_at: float) -> None:
        """What was asked at that moment has been answered: its node stood."""

    def led_by(self, name: str) -> None:
        """Another one leads now."""

    def denied(self, what: str) -> None:
        """ZooKeeper refuses the credentials."""


class Candidate:
    """Stands for election at a path for as long as it is open, anew with each session."""

    def __init__(
        self,
        ensemble: Ensemble,
        path: str,
        name: str,
        *,
        observer: CandidateObserver,
        scheduler: Scheduler,
    ) -> None:
        self._observer, self._call_later = observer, scheduler.call_later
        self._path = f"{ensemble.chroot}{path}"
        self._link = Link(ensemble, observer=self, call_soon=scheduler.call_soon)
        self._base_paths = BasePaths(self._link, Folder(self._path), ensemble.access, self._laid)
        callbacks = ElectionCallbacks(observer.won, observer.lost)
        self._election = Election(self._link, self._path, name, ensemble.access, callbacks)
        self._timeout = ensemble.session_timeout_s
        self._leader: str | None = None
        self._looks = 0
        self._closed = False

    def connect(self) -> None:
        """Begin; what comes of it is told to the observer."""
        self._link.connect()

    def close(self, *, withdraw: bool) -> None:
        """Stand no more. Without ``withdraw`` the node stays until its session ends by itself."""
        self._closed = True
        if withdraw:
            self._link.close(CLOSE_WITHIN_S)
        else:
            self._link.abandon()

    def prove(self, epoch: int, asked_at: float) -> None:
        """Ask whether the node stands.

        By a transaction that only checks: it changes nothing and wakes nobody, and yet it is a write, so that it is
        answered by a majority of the ensemble. A read would be answered by a server that is cut off from the others.
        """
        node = self._election.node
        if node is not None:
            self._link.commit(
                node, lambda transaction: transaction.check(node, -1), partial(self._proven, epoch, asked_at)
            )

    # ---- the connection (LinkObserver)

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""
        self._timeout = granted_s
        self.resumed()

    def resumed(self) -> None:
        """There is a connection."""
        self._observer.connected(self._timeout)
        self._base_paths.lay()

    def suspended(self) -> None:
        """The server does not answer."""
        self._cut()
        self._observer.disconnected()

    def lost(self) -> None:
        """The session has ended."""
        self._cut()
        self._election.session_ended()
        self._observer.disconnected()
        self._observer.lost()

    def denied(self, path: str) -> None:
        """The server refuses these credentials."""
        self._observer.denied(f"ZooKeeper denies access to {path}" if path else "ZooKeeper refuses the credentials")

    def _cut(self) -> None:
        self._base_paths.cut()
        self._election.cut()
        self._looks += 1

    def _laid(self, _made: frozenset[str]) -> None:
        self._election.resume()
        self._looks += 1
        self._look(self._looks)

    # ---- answers

    def _proven(self, epoch: int, asked_at: float, _results: Any, error: Exception | None) -> None:
        if error is None:
            self._observer.proven(epoch, asked_at)
        else:
            # Somebody has deleted it, and who was next may have been told already.
            self._observer.lost()
            self._election.step()

    def _look(self, number: int) -> None:
        """Who leads? Asked again and again, until the connection breaks or another round begins."""
        if number != self._looks or self._closed:
            return
        self._call_later(self._timeout * REQUEST_AFTER, self._look, number)
        if not self._election.leading:
            self._link.children(self._path, self._listed)

    def _listed(self, names: Any, error: Exception | None) -> None:
        ranks = {name: n for name in names or () if error is None and (n := sequence_of(name)) is not None}
        first = min(ranks, key=ranks.__getitem__, default=None)
        if first is None:
            return
        path = f"{self._path}/{first}"
        if path == self._election.node:
            self._leader = first
            self._election.step()  # a watch may have been missed
        elif first != self._leader:
            self._link.get_foreign(path, partial(self._read, first))

    def _read(self, first: str, value: Any, error: Exception | None) -> None:
        if error is None:
            self._leader = first
            self._observer.led_by(read_name(value[0]) or first)

"""One address in the service registry: there while it is wanted, made anew with each session.

Its node is ephemeral and named for host, process and session, so that nobody else's is ever mistaken for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Protocol

from kazoo.exceptions import NoChildrenForEphemeralsError, NodeExistsError, NoNodeError
from kazoo.protocol.states import EventType, WatchedEvent

from autohealer.coordination.pool.base_paths import BasePaths
from autohealer.coordination.pool.paths import Folder
from autohealer.coordination.session.ensemble import Ensemble
from autohealer.coordination.session.link import Link

CLOSE_WITHIN_S = 1.0


class AddressObserver(Protocol):
    """Who is told how the address fares."""

    def connected(self) -> None:
        """ZooKeeper answers."""

    def registered(self, name: str) -> None:
        """The address stands, under this name."""

    def withdrawn(self) -> None:
        """It does not stand any more."""

    def refused(self, why: str) -> None:
        """It cannot be registered."""


class Address:
    """An address of the service that ``folder`` stands for. Nothing is registered before it is `wanted`."""

    def __init__(
        self,
        ensemble: Ensemble,
        folder: str,
        address: str,
        *,
        name: str,
        observer: AddressObserver,
        call_soon: Callable[..., Any],
    ) -> None:
        self._observer, self._name, self._data = observer, name, address.encode()
        self._folder = f"{ensemble.chroot}{folder}"
        self._access = ensemble.access
        self._link = Link(ensemble, observer=self, call_soon=call_soon)
        # Programs without credentials may register beside it, as in the registry itself.
        open_to_workers = (self._folder.rpartition("/")[0], self._folder)
        self._base_paths = BasePaths(self._link, Folder(self._folder, open_to_workers), self._access, self._laid)
        self._wanted = self._open = self._busy = self._again = False
        # What the observer was told, and whether the node may be there: it is made before the answer says so.
        self._stands = self._may_stand = False
        self._node = ""

    def connect(self) -> None:
        """Begin; what comes of it is told to the observer."""
        self._link.connect()

    def want(self, yes: bool) -> None:
        """Should it stand?"""
        self._wanted = yes
        self._step()

    def close(self) -> None:
        """Withdraw it, with the session."""
        self._link.close(CLOSE_WITHIN_S)

    # ---- the connection (LinkObserver)

    def opened(self, granted_s: float, *, resumed: bool) -> None:
        """A session is there."""
        self._node = f"{self._folder}/{self._name}-{secrets.token_hex(2)}"
        self.resumed()

    def resumed(self) -> None:
        """There is a connection."""
        self._observer.connected()
        self._base_paths.lay()

    def suspended(self) -> None:
        """The server does not answer."""
        self._base_paths.cut()
        self._open = self._busy = self._again = False

    def lost(self) -> None:
        """The session has ended, and the node with it."""
        self.suspended()
        self._gone()

    def denied(self, path: str) -> None:
        """The server refuses these credentials."""
        what = f"ZooKeeper denies access to {path}" if path else "ZooKeeper refuses the credentials"
        self._observer.refused(f"{what}: check AUTOHEALER_ZK_AUTH")

    # ---- what is and what should be

    def _laid(self, _made: frozenset[str]) -> None:
        self._open = True
        self._step()

    def _step(self) -> None:
        """Close the gap, one request at a time."""
        if self._busy:
            self._again = True
        elif self._open and self._link.up:
            self._busy, self._again = True, False
            if self._wanted:
                self._link.exists(self._node, self._looked, self._fired)
            elif self._may_stand:
                self._link.delete(self._node, self._deleted)
            else:
                self._busy = False

    def _looked(self, stat: Any, error: Exception | None) -> None:
        if error is None and stat is None:
            self._gone()
            if self._wanted:
                self._may_stand = True
                self._link.create(self._node, self._data, self._access.acl, self._created, ephemeral=True)
                return
        elif error is None and not self._stands:
            self._stands = self._may_stand = True
            self._observer.registered(self._node.rpartition("/")[2])
        self._rest()

    def _created(self, _path: Any, error: Exception | None) -> None:
        if isinstance(error, NoChildrenForEphemeralsError):
            self._observer.refused(f"{self._folder} is somebody's address, not a service: choose another name")
        elif error is None or isinstance(error, NodeExistsError):
            self._again = True  # look at it, with a watch
        # Without its folder it is made once the base paths stand again.
        self._rest()

    def _deleted(self, _value: Any, error: Exception | None) -> None:
        if error is None or isinstance(error, NoNodeError):
            self._gone()
        self._rest()

    def _rest(self) -> None:
        self._busy = False
        if self._again:
            self._step()

    def _gone(self) -> None:
        self._may_stand = False
        if self._stands:
            self._stands = False
            self._observer.withdrawn()

    def _fired(self, event: WatchedEvent) -> None:
        if event.type != EventType.NONE:
            self._step()

"""An ephemeral node that this agent keeps: it is made, made anew with each session, and deleted, as is wanted."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

import msgspec
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from autohealer.coordination.session.access import Access
from autohealer.coordination.session.batch import Batch
from autohealer.coordination.session.port import SessionPort, TransactionRequest


class Stands(Enum):
    """Whether a node is there. UNKNOWN: the connection broke while it was made or deleted."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class NodeSession(msgspec.Struct, frozen=True):
    """What nodes are made with. ``bulk`` gathers what is asked for until it is flushed."""

    link: SessionPort
    bulk: Batch
    access: Access


class NodeOwner(Protocol):
    """Whose node it is. An object and no functions: there is one for each of thousands of workers."""

    def touched(self) -> None:
        """``step`` of a node has more to do."""

    def made(self, node: EphemeralNode) -> None:
        """The node stands."""


class EphemeralNode(msgspec.Struct, eq=False):
    """One node."""

    session: NodeSession
    path: str
    owner: NodeOwner
    wanted: bytes | None = None
    """What it is to hold; None: there is to be no such node."""
    stands: Stands = Stands.NO
    busy: bool = False
    written: bytes | None = None

    @property
    def is_gone(self) -> bool:
        """Whether there is no such node, and nothing is under way."""
        return self.wanted is None and self.stands is Stands.NO and not self.busy

    @property
    def may_stand(self) -> bool:
        """Whether it is there, or may be soon."""
        return self.busy or self.stands is not Stands.NO

    def step(self) -> None:
        """Ask for what lies between what is wanted and what is."""
        if self.busy:
            return
        if self.wanted is not None and self.stands is not Stands.YES:
            self.busy, self.written = True, self.wanted
            self.session.bulk.create(self.path, self.wanted, self.session.access.acl, self._created)
        elif self.stands is not Stands.NO and (self.wanted is None or self.wanted != self.written):
            self.busy = True
            self.session.bulk.delete(self.path, self._deleted)

    def cut(self) -> None:
        """The connection is gone: what was under way may or may not have been done."""
        if self.busy:
            self.busy, self.stands = False, Stands.UNKNOWN

    def session_ended(self) -> None:
        """The node went with the session."""
        self.stands = Stands.NO

    def uprooted(self) -> None:
        """Its parent was deleted: whatever stood is gone."""
        if not self.busy:
            self.stands = Stands.NO

    def doubt(self, believed: Stands) -> None:
        """What was believed of it is not so: find out."""
        if self.stands is believed and not self.busy:
            self.stands = Stands.UNKNOWN
            self.owner.touched()

    # ---- answers

    def _deleted(self, error: Exception | None) -> None:
        self.busy = False
        if error is None or isinstance(error, NoNodeError):
            self.stands = Stands.NO
            self.owner.touched()

    def _created(self, error: Exception | None) -> None:
        if isinstance(error, NodeExistsError):
            self.session.link.exists(self.path, self._examined)
            return
        self.busy = False
        if error is None:
            self.stands = Stands.YES
            if self.wanted == self.written:
                self.owner.made(self)
            else:
                self.owner.touched()

    def _examined(self, stat: Any, error: Exception | None) -> None:
        """There is such a node already: one of this session, or one that a former life has left."""
        session = self.session.link.session
        if error is None and stat is not None and session is not None and stat.ephemeralOwner != session[0]:
            path, data, acl = self.path, self.written or b"", self.session.access.acl

            def replace(transaction: TransactionRequest) -> None:
                # With its version, so that what somebody has put in its place meanwhile is left alone.
                transaction.delete(path, stat.version)
                transaction.create(path, data, acl=acl, ephemeral=True)

            self.session.link.commit(path, replace, self._replaced)
        elif error is None and stat is not None:
            self._created(None)
        else:
            self._retry(error)

    def _replaced(self, _results: Any, error: Exception | None) -> None:
        if error is None:
            self._created(None)
        else:
            self._retry(error)

    def _retry(self, error: Exception | None) -> None:
        """What stood there has changed meanwhile. Any other error stays until the next look at everything."""
        self.busy, self.stands = False, Stands.UNKNOWN
        if error is None or isinstance(error, NoNodeError | NodeExistsError | BadVersionError):
            self.owner.touched()

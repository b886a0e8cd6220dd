"""The target, the hold and the plan: read by all, written by whoever may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from kazoo.exceptions import NoAuthError, NodeExistsError, NoNodeError

from autohealer.coordination.pool.codec import read_plan, write_plan
from autohealer.coordination.session.access import Access
from autohealer.coordination.session.node_watcher import NodeWatcher
from autohealer.coordination.session.port import SessionPort, TransactionRequest
from autohealer.core.model import Plan
from autohealer.errors import AutohealerError

T = TypeVar("T")


class Setting(Generic[T]):
    """A small node that whoever may writes, and all read: the target, the hold.

    ``told`` is called with what stands (None: nothing, or nothing that makes sense); what is ordered to be written is
    written, once, however long it takes, and until then nothing else is told.
    """

    def __init__(
        self,
        link: SessionPort,
        path: str,
        access: Access,
        told: Callable[[T | None], None],
        *,
        read: Callable[[bytes], T | None],
        write: Callable[[T], bytes],
    ) -> None:
        self._link, self._path, self._access = link, path, access
        self._tell, self._decode, self._encode = told, read, write
        self._reader = NodeWatcher(link, path, link.get, self._found)
        self._told: T | None = None
        self._has_told = False
        self._wanted: T | None = None
        self._open = self._busy = False

    @property
    def unwritten(self) -> T | None:
        """What is still to be written."""
        return self._wanted

    def write(self, value: T) -> None:
        """Make this stand there."""
        self._wanted = value
        self._pump()

    def resume(self) -> None:
        """There is a connection."""
        self._open = True
        self.look()
        self._pump()

    def look(self) -> None:
        """Read it anew."""
        self._reader.read()

    def cut(self) -> None:
        """The connection is gone."""
        self._has_told = self._open = self._busy = False
        self._reader.cut()

    def leave(self) -> None:
        """Write nothing any more."""
        self._open = False

    def _pump(self) -> None:
        if self._wanted is None or not self._open or self._busy:
            return
        self._busy = True
        value = self._wanted
        data = self._encode(value)

        def was_set(_stat: Any, error: Exception | None) -> None:
            if isinstance(error, NoNodeError):
                self._link.create(self._path, data, self._access.acl, was_made)
            else:
                self._written(value, error)

        def was_made(_path: Any, error: Exception | None) -> None:
            self._written(value, error)

        self._link.set(self._path, data, was_set)

    def _written(self, value: T, error: Exception | None) -> None:
        self._busy = False
        if error is None:
            if self._wanted == value:
                self._wanted = None
            self._told, self._has_told = value, True
            self._tell(value)
        if error is None or isinstance(error, NodeExistsError):
            self._pump()
        else:
            self._wanted = None
            self.look()

    def _found(self, value: tuple[bytes, Any] | None) -> None:
        if self._wanted is not None:
            return  # ours is about to be written, and told
        found = self._decode(value[0]) if value is not None else None
        if not self._has_told or found != self._told:
            self._told, self._has_told = found, True
            self._tell(found)


class Plans:
    """``read`` is told the plan with the zxid that wrote it, ``refused`` that one could not be written.

    ``refused`` is given an error where that plan never can be.
    """

    def __init__(
        self,
        link: SessionPort,
        path: str,
        access: Access,
        *,
        read: Callable[[Plan | None, int], None],
        refused: Callable[[str], None],
    ) -> None:
        self._link, self._path, self._access = link, path, access
        self._read, self._refused = read, refused
        self._reader = NodeWatcher(link, path, link.get, self._found)
        self._told = -1
        self._writing = False

    def write(self, plan: Plan, candidature: str | None) -> None:
        """Write it, if this candidate's node still stands."""
        try:
            data = write_plan(plan)
        except AutohealerError as error:
            self._refused(f"{error}: {error.hint}")
            return
        if candidature is None or not self._link.up:
            self._refused("")
            return
        self._writing = True

        def change(transaction: TransactionRequest) -> None:
            transaction.check(candidature, -1)
            transaction.set_data(self._path, data)

        def make(transaction: TransactionRequest) -> None:
            transaction.check(candidature, -1)
            transaction.create(self._path, data, acl=self._access.acl)

        def changed(results: Any, error: Exception | None) -> None:
            # The first operation is the check: its own failure says that this agent was deposed.
            if isinstance(error, NoNodeError) and results[0] is not error:
                self._link.commit(self._path, make, made)
            elif error is None:
                self._writing = False
                self._tell(plan, results[1].mzxid)
            else:
                made(None, error)

        def made(_results: Any, error: Exception | None) -> None:
            self._writing = False
            if error is None:
                self._reader.read()
            elif isinstance(error, NoAuthError):
                who = f"{self._path} with `autohealer zk setacl`, or AUTOHEALER_ZK_AUTH to this agent"
                self._refused(f"ZooKeeper does not let this agent write the plan: give the right to write {who}")
            else:
                self._refused("")

        self._link.commit(self._path, change, changed)

    def look(self) -> None:
        """Read it anew."""
        self._reader.read()

    def cut(self) -> None:
        """The connection is gone; a plan that was under way may or may not have been written."""
        self._told = -1
        self._reader.cut()
        if self._writing:
            self._writing = False
            self._refused("")

    def _found(self, value: tuple[bytes, Any] | None) -> None:
        if value is None:
            self._tell(None, 0)
        else:
            self._tell(read_plan(value[0]), value[1].mzxid)

    def _tell(self, plan: Plan | None, mzxid: int) -> None:
        if mzxid != self._told:
            self._told = mzxid
            self._read(plan, mzxid)

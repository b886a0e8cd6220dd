"""Creates and deletes by the dozen: one transaction is five to ten times quicker than its operations one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from autohealer.coordination.session.port import SessionPort, TransactionRequest

BATCH = 50

Ended = Callable[[Exception | None], None]


class _BatchItem(msgspec.Struct, frozen=True):
    path: str
    data: bytes | None
    acl: Sequence[Any]
    ended: Ended

    def add_to(self, transaction: TransactionRequest) -> None:
        if self.data is None:
            transaction.delete(self.path)
        else:
            transaction.create(self.path, self.data, acl=list(self.acl), ephemeral=True)


class Batch:
    """Operations are gathered until ``flush``; each ends with its own error or None."""

    def __init__(self, link: SessionPort) -> None:
        self._link = link
        self._gathered: list[_BatchItem] = []

    def delete(self, path: str, ended: Ended) -> None:
        """Delete a node."""
        self._gathered.append(_BatchItem(path, None, (), ended))

    def create(self, path: str, data: bytes, acl: Sequence[Any], ended: Ended) -> None:
        """Create an ephemeral node."""
        self._gathered.append(_BatchItem(path, data, acl, ended))

    def flush(self) -> None:
        """Send what has been gathered."""
        gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), BATCH):
            self._send(gathered[start : start + BATCH])

    def cut(self) -> None:
        """Forget what has been gathered: the connection is gone."""
        self._gathered.clear()

    def _send(self, operations: list[_BatchItem]) -> None:
        def fill(transaction: TransactionRequest) -> None:
            for operation in operations:
                operation.add_to(transaction)

        self._link.commit(operations[0].path, fill, partial(self._ended, operations))

    def _ended(self, operations: list[_BatchItem], results: Any, error: Exception | None) -> None:
        if error is not None and len(operations) > 1:
            # One of them could not be done, and so none was: let each stand for itself.
            for operation in operations:
                self._send([operation])
            return
        for operation in operations:
            operation.ended(error)

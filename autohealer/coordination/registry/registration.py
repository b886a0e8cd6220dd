"""A worker's registration: an ephemeral child of the pool's /workers, for as long as the worker has a session.

It is made by kazoo's threads, so that the worker neither waits for ZooKeeper nor ends because of it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError
from kazoo.protocol.states import KazooState
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANONYMOUS_PREFIX = "worker_"
# kazoo's own reconnecting slows down to a try a minute and more: the session would be lost for want of a try.
RECONNECTING = {"max_tries": -1, "delay": 0.05, "backoff": 1.5, "max_delay": 1}
CLOSING_TIMEOUT_S = 1.0


class RegistrationNode(msgspec.Struct, frozen=True):
    """What is registered: ``name`` under ``parent``; without a name, the next ``worker_`` number."""

    parent: str
    name: str | None
    data: bytes

    @property
    def path(self) -> str:
        """What to create; ZooKeeper adds a number where there is no name."""
        return f"{self.parent}/{self.name or ANONYMOUS_PREFIX}"


def entry_from(
    environment: Mapping[str, str], *, anonymous: bool = False, address: str | None = None
) -> RegistrationNode:
    """Under its id where an agent started the worker, else as the course's workers register."""
    parent = environment.get("AUTOHEALER_WORKERS", "/workers").rstrip("/")
    worker = environment.get("AUTOHEALER_WORKER_ID")
    if anonymous or not worker:
        return RegistrationNode(parent, None, b"")
    slot = environment.get("AUTOHEALER_SLOT", "")
    data = {
        "worker": worker,
        "agent": environment.get("AUTOHEALER_AGENT"),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "slot": int(slot) if slot.isdecimal() else None,
        "address": address,
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return RegistrationNode(parent, worker, json.dumps(data).encode())


class Registration:
    """Registers ``entry`` with each new session until it is closed; ``report`` is told of it, on kazoo's threads."""

    def __init__(
        self,
        hosts: str,
        entry: RegistrationNode,
        *,
        session_timeout_s: float,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        # kazoo cannot make a chroot that is missing (all of ZooKeeper's data was wiped), so it is not told of any.
        servers, slash, chroot = hosts.partition("/")
        self._entry = replace(entry, parent=f"{slash}{chroot}{entry.parent}")
        self._report = report
        self._one_at_a_time = threading.Lock()
        self._tried_session: int | None = None
        logger = logging.getLogger("autohealer.registration")
        logger.setLevel(logging.ERROR)  # while ZooKeeper is away kazoo warns at each try
        self._client = KazooClient(
            hosts=servers, timeout=session_timeout_s, connection_retry=RECONNECTING, logger=logger
        )
        self._client.add_listener(self._on_state)

    def open(self) -> None:
        """Begin to connect, and return at once."""
        self._client.start_async()

    def close(self) -> None:
        """End the session, and with it the registration; where ZooKeeper does not answer, leave without a word."""
        self._client.remove_listener(self._on_state)
        closing = threading.Thread(target=self._client.stop, daemon=True)
        closing.start()
        closing.join(CLOSING_TIMEOUT_S)

    def _on_state(self, state: str) -> None:
        self._report(f"zookeeper: {state.lower()}")
        if state == KazooState.CONNECTED:
            self._client.handler.spawn(self._register)  # not here: this thread has to read the answers

    def _register(self) -> None:
        with self._one_at_a_time:
            client_id = self._client.client_id
            if client_id is None:
                return  # lost again already; the next connection comes back here
            session = client_id[0]
            try:
                path = self._find(session) if session == self._tried_session else None
                self._tried_session = session
                path = path or self._create()
            except KazooException as error:
                # The connection was lost on the way (the next one comes back here), or ZooKeeper refused.
                self._report(f"not registered: {type(error).__name__}")
            else:
                self._report(f"registered: {path}")

    def _find(self, session: int) -> str | None:
        """The node that an earlier try made, perhaps without living to see the answer."""
        client = self._client
        try:
            names = [self._entry.name] if self._entry.name else client.get_children(self._entry.parent)
        except NoNodeError:
            return None
        for name in names:
            path = f"{self._entry.parent}/{name}"
            stat = client.exists(path)
            if stat is not None and stat.ephemeralOwner == session:
                return path
        return None

    def _create(self) -> str:
        client, entry = self._client, self._entry
        created: str | Exception
        while True:
            try:
                created = client.create(
                    entry.path, entry.data, ephemeral=True, sequence=entry.name is None, makepath=True
                )
            except NodeExistsError:
                # The former session's, which lingers. In one step, or others would see this worker gone.
                exchange = client.transaction()
                exchange.delete(entry.path)
                exchange.create(entry.path, entry.data, ephemeral=True)
                deleted, created = exchange.commit()
                if isinstance(deleted, NoNodeError):
                    continue  # gone by itself in between
            if isinstance(created, Exception):
                raise created
            return created

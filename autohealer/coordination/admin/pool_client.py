"""A pool's cluster for commands in another terminal: synchronous, and never longer than the time it was given."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, KazooException, NoAuthError, NodeExistsError, NoNodeError

from autohealer.coordination.admin.blocking_client import BlockingClient
from autohealer.coordination.pool.codec import (
    RegistrationData,
    Request,
    read_agent,
    read_hold,
    read_name,
    read_plan,
    read_target,
    read_worker,
    write_hold,
    write_request,
    write_target,
)
from autohealer.coordination.pool.paths import STAND_IN, Paths, sequence_of, split_hosts
from autohealer.coordination.session.access import PLAIN, Access
from autohealer.core.model import AgentEntry, Hold, Plan, WorkerId
from autohealer.core.operations import VERBS, Operation
from autohealer.core.pool.brake import held_after
from autohealer.errors import AutohealerError, UnreachableError

MAX_WORKERS = 20_000

_LEFT_OUT = (NoNodeError, NoAuthError, AuthFailedError)


class CurrentLeader(msgspec.Struct, frozen=True):
    """Who leads, and since when: the czxid of its election node."""

    agent: str | None
    epoch: int


class Registered(msgspec.Struct, frozen=True):
    """An ephemeral child of /workers; ``worker`` is the id that its name or its data tells."""

    name: str
    worker: str | None
    entry: RegistrationData


def connect(hosts: str, pool: str, timeout: float, access: Access = PLAIN) -> PoolClient:
    """A console, or UnreachableError where no ZooKeeper answers in time."""
    servers, chroot = split_hosts(hosts)
    return PoolClient(
        BlockingClient(hosts, servers, timeout, access), hosts=hosts, paths=Paths(chroot, pool), access=access
    )


class PoolClient:
    """What a pool is and wants. Where it does not exist (yet), there is nothing: None, or empty."""

    def __init__(self, asker: BlockingClient, *, hosts: str, paths: Paths, access: Access) -> None:
        self._asker, self.hosts, self._paths, self._access = asker, hosts, paths, access

    def close(self) -> None:
        """End the session; takes a second at most."""
        self._asker.close()

    # ---- what is

    def agents(self) -> dict[str, AgentEntry | None]:
        """All live agents, and what each says of itself (None where that makes no sense)."""
        found = self._read_all(self._paths.agents, self._children(self._paths.agents))
        # a persistent node is no agent
        return {name: read_agent(data) for name, data, stat in found if stat.ephemeralOwner}

    def plan(self) -> Plan | None:
        """The plan as it stands."""
        data = self._get(self._paths.plan)
        return None if data is None else read_plan(data)

    def target(self) -> int | None:
        """How many workers the pool should have."""
        data = self._get(self._paths.target)
        return None if data is None else read_target(data)

    def leader(self) -> CurrentLeader | None:
        """The first candidate."""
        candidates = [
            (n, name) for name in self._children(self._paths.election) if (n := sequence_of(name)) is not None
        ]
        for _, name in sorted(candidates):
            for _, data, stat in self._read_all(self._paths.election, [name]):
                if not stat.ephemeralOwner:
                    continue
                return CurrentLeader(read_name(data), stat.czxid)
        return None

    def workers(self) -> list[Registered]:
        """Who is registered, by name; the first 20,000 of them."""
        names = sorted(self._children(self._paths.workers))[:MAX_WORKERS]
        found = []
        for name, data, stat in self._read_all(self._paths.workers, names):
            if stat.ephemeralOwner:
                entry, named = read_worker(data), name.removesuffix(STAND_IN)
                found.append(Registered(name, entry.worker if WorkerId.parse(named) is None else named, entry))
        return found

    def held(self) -> frozenset[str]:
        """The senses whose verdicts are held."""
        data = self._get(self._paths.hold)
        found = None if data is None else read_hold(data)
        return found.senses if found else frozenset()

    # ---- what is wanted

    def scale(self, workers: int) -> None:
        """Make this the target."""
        self._put(self._paths.target, write_target(workers))

    def hold(self, sense: str, by: str, *, release: bool) -> frozenset[str]:
        """Hold verdicts of this sense (none: of all) as well, or no longer; what is held then."""
        held = held_after(self.held(), sense, release=release)
        self._put(self._paths.hold, write_hold(Hold(held, by, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))))
        return held

    def end(self) -> None:
        """The pool is over: take away its target and its hold, unless an agent is there again."""
        if not self.agents():
            for path in (self._paths.target, self._paths.hold):
                with suppress(NoNodeError):
                    self._ask(partial(self._client.delete_async, path))

    def request(self, operation: Operation) -> str:
        """Ask the pool for something; the request's name."""
        expires_s = VERBS[operation.verb].expires_s
        if expires_s is None:
            raise ValueError(f"{operation.verb} is no request in ZooKeeper")
        data = write_request(Request(operation, time.time() + expires_s))
        with self._pool_expected():
            path = self._ask(
                lambda: self._client.create_async(
                    self._paths.request("request-"), data, self._access.acl, sequence=True
                ),
                again=False,
            )
        return str(path.rpartition("/")[2])

    def withdraw(self, request: str) -> None:
        """Nobody is left to answer the request; who comes later shall not find it."""
        with suppress(NoNodeError):
            self._ask(partial(self._client.delete_async, self._paths.request(request)))

    def wait_answered(self, request: str, timeout: float) -> bool:
        """Whether whom it concerns has taken the request away, waiting for it so long."""
        deadline = time.monotonic() + timeout
        path = self._paths.request(request)
        while True:
            stirred = threading.Event()
            if self._ask(partial(self._client.exists_async, path, partial(_stir, stirred))) is None:
                return True
            if not stirred.wait(max(0.0, deadline - time.monotonic())):
                return False

    # ---- how

    def _put(self, path: str, data: bytes) -> None:
        try:
            self._ask(partial(self._client.set_async, path, data))
        except NoNodeError:
            with self._pool_expected(), suppress(NodeExistsError):
                self._ask(partial(self._client.create_async, path, data, self._access.acl))

    def _children(self, path: str) -> list[str]:
        try:
            names: list[str] = self._ask(lambda: self._client.get_children_async(path))
        except NoNodeError:
            return []
        return names

    def _get(self, path: str) -> bytes | None:
        try:
            data: bytes = self._ask(lambda: self._client.get_async(path))[0]
        except NoNodeError:
            return None
        return data

    def _read_all(self, parent: str, names: Iterable[str]) -> Iterator[tuple[str, bytes, Any]]:
        """Name, data and stat of each that is still there; what may not be read is left out."""
        wanted = sorted(names)
        calls = (partial(self._client.get_async, f"{parent}/{name}") for name in wanted)
        for name, outcome in zip(wanted, self._asker.each(calls), strict=True):
            if isinstance(outcome, KazooException):
                if not isinstance(outcome, _LEFT_OUT):
                    raise _refused(outcome)
            else:
                yield name, *outcome

    @property
    def _client(self) -> KazooClient:
        return self._asker.client

    def _ask(self, call: Callable[[], Any], *, again: bool = True) -> Any:
        """The answer, asked for ``again`` where the connection broke and that does no harm."""
        try:
            return self._asker.ask(call) if again else self._asker.ask_once(call)
        except (NoNodeError, NodeExistsError):
            raise
        except KazooException as error:
            raise _refused(error) from error

    @contextmanager
    def _pool_expected(self) -> Iterator[None]:
        try:
            yield
        except NoNodeError as error:
            raise UnreachableError(f"there is no such pool at {self.hosts}", "check --zk and --pool") from error


def _refused(error: KazooException) -> AutohealerError:
    if isinstance(error, NoAuthError | AuthFailedError):
        return AutohealerError("ZooKeeper denies access to the pool", "check AUTOHEALER_ZK_AUTH")
    return AutohealerError(f"ZooKeeper refuses: {type(error).__name__}")


def _stir(stirred: threading.Event, _event: object) -> None:
    stirred.set()

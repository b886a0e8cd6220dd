"""What can be asked of the pool over HTTP: each becomes a request in ZooKeeper, as the command of that name does it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from autohealer.core.model import WorkerId
from autohealer.errors import UsageError
from autohealer.views.controls import MOST_WORKERS

if TYPE_CHECKING:
    from autohealer.coordination.admin.pool_client import PoolClient

KILL_EXPIRES_S = 60.0
DRAIN_EXPIRES_S = 600.0
RESTART_EXPIRES_S = 3600.0

Json = dict[str, Any]
Action = Callable[["PoolClient"], Json]


class AbsentError(UsageError):
    """There is nobody of that name."""


def read_body(body: bytes) -> Json:
    """A JSON object; an empty body is an empty one. Raises UsageError."""
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object", 'send one, such as {"workers": 10}')
    return found


def action(verb: str, body: Mapping[str, Any], me: str) -> Action:
    """What this verb means. ``me`` is the agent that was asked. Raises UsageError for a body that means nothing."""
    return _ACTIONS[verb](body, me)


def _scale(body: Mapping[str, Any], _: str) -> Action:
    workers = body.get("workers")
    if isinstance(workers, bool) or not isinstance(workers, int) or not 0 <= workers <= MOST_WORKERS:
        raise UsageError(f"workers is not a number from 0 to {MOST_WORKERS:,}", 'send {"workers": 10}')

    def scale(console: PoolClient) -> Json:
        console.scale(workers)
        return {"target": workers}

    return scale


def _kill(body: Mapping[str, Any], _: str) -> Action:
    named = str(body.get("worker"))
    worker = WorkerId.parse(named)
    if worker is None:
        raise UsageError("worker is not the id of a worker", 'send {"worker": ID} with an id from /api/v1/status')

    def kill(console: PoolClient) -> Json:
        _expect(console, worker.agent)
        return {"request": console.request("kill", named, time.time() + KILL_EXPIRES_S)}

    return kill


def _drain(verb: str) -> Callable[[Mapping[str, Any], str], Action]:
    def read(body: Mapping[str, Any], me: str) -> Action:
        agent = body.get("agent", me)
        if not isinstance(agent, str):
            raise UsageError("agent is not the id of an agent", 'send {"agent": ID}, or {} for this one')

        def drain(console: PoolClient) -> Json:
            _expect(console, agent)
            return {"request": console.request(verb, agent, time.time() + DRAIN_EXPIRES_S)}

        return drain

    return read


def _restart(_: Mapping[str, Any], __: str) -> Action:
    def restart(console: PoolClient) -> Json:
        expires = time.time() + RESTART_EXPIRES_S
        return {"requests": [console.request("restart", agent, expires) for agent in sorted(console.agents())]}

    return restart


def _stop(_: Mapping[str, Any], __: str) -> Action:
    return lambda console: {"request": console.request("stop", "", time.time() + KILL_EXPIRES_S)}


def _expect(console: PoolClient, agent: str) -> None:
    if agent not in console.agents():
        raise AbsentError(f"there is no agent {agent}", "see /api/v1/status for those that there are")


_ACTIONS: dict[str, Callable[[Mapping[str, Any], str], Action]] = {
    "scale": _scale,
    "kill": _kill,
    "restart": _restart,
    "drain": _drain("drain"),
    "undrain": _drain("undrain"),
    "stop": _stop,
}
VERBS = tuple(_ACTIONS)

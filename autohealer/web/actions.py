"""What can be asked of the pool over HTTP: each is an operation, as the command of that name asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from autohealer.core.model import MOST_WORKERS, WorkerId
from autohealer.core.operations import Operation
from autohealer.errors import UsageError


class ActionBody(msgspec.Struct, frozen=True):
    """What a body may say; which of it means something, and what of that makes sense, depends on the verb."""

    workers: object = None
    worker: object = None
    agent: object = msgspec.UNSET


def read_body(body: bytes) -> ActionBody:
    """A JSON object; an empty body is an empty one. Raises UsageError."""
    try:
        return msgspec.json.decode(body or b"{}", type=ActionBody)
    except (ValueError, RecursionError) as error:
        raise UsageError("the body is no JSON object", 'send one, such as {"workers": 10}') from error


def operation(verb: str, body: ActionBody, me: str, by: str) -> Operation:
    """What is asked for. ``me`` is the agent that was asked. Raises UsageError for a body that means nothing."""
    return Operation(secrets.token_hex(8), verb, _SUBJECTS[verb](body, me), by)


def _workers(body: ActionBody, _: str) -> str:
    workers = body.workers
    if isinstance(workers, bool) or not isinstance(workers, int) or not 0 <= workers <= MOST_WORKERS:
        raise UsageError(f"workers is not a number from 0 to {MOST_WORKERS:,}", 'send {"workers": 10}')
    return str(workers)


def _worker(body: ActionBody, _: str) -> str:
    named = str(body.worker)
    if WorkerId.parse(named) is None:
        raise UsageError("worker is not the id of a worker", 'send {"worker": ID} with an id from /api/v1/status')
    return named


def _agent(body: ActionBody, me: str) -> str:
    agent = me if body.agent is msgspec.UNSET else body.agent
    if not isinstance(agent, str):
        raise UsageError("agent is not the id of an agent", 'send {"agent": ID}, or {} for this one')
    return agent


def _nothing(_: ActionBody, __: str) -> str:
    return ""


_SUBJECTS: dict[str, Callable[[ActionBody, str], str]] = {
    "scale": _workers,
    "kill": _worker,
    "restart": _nothing,
    "drain": _agent,
    "undrain": _agent,
    "stop": _nothing,
}
VERBS = tuple(_SUBJECTS)

"""What can be asked of the pool over HTTP: each is an operation, as the command of that name asks for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from autohealer.core.model import MOST_WORKERS, WorkerId
from autohealer.core.operations import Operation
from autohealer.errors import UsageError

Json = dict[str, Any]


def read_body(body: bytes) -> Json:
    """A JSON object; an empty body is an empty one. Raises UsageError."""
    try:
        found = json.loads(body or b"{}")
        json.dumps(found, ensure_ascii=False).encode()  # no half of a character, which nothing can be done with
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object", 'send one, such as {"workers": 10}')
    return found


def operation(verb: str, body: Mapping[str, Any], me: str, by: str) -> Operation:
    """What is asked for. ``me`` is the agent that was asked. Raises UsageError for a body that means nothing."""
    return Operation(secrets.token_hex(8), verb, _SUBJECTS[verb](body, me), by)


def _workers(body: Mapping[str, Any], _: str) -> str:
    workers = body.get("workers")
    if isinstance(workers, bool) or not isinstance(workers, int) or not 0 <= workers <= MOST_WORKERS:
        raise UsageError(f"workers is not a number from 0 to {MOST_WORKERS:,}", 'send {"workers": 10}')
    return str(workers)


def _worker(body: Mapping[str, Any], _: str) -> str:
    named = str(body.get("worker"))
    if WorkerId.parse(named) is None:
        raise UsageError("worker is not the id of a worker", 'send {"worker": ID} with an id from /api/v1/status')
    return named


def _agent(body: Mapping[str, Any], me: str) -> str:
    agent = body.get("agent", me)
    if not isinstance(agent, str):
        raise UsageError("agent is not the id of an agent", 'send {"agent": ID}, or {} for this one')
    return agent


def _nothing(_: Mapping[str, Any], __: str) -> str:
    return ""


_SUBJECTS: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "scale": _workers,
    "kill": _worker,
    "restart": _nothing,
    "drain": _agent,
    "undrain": _agent,
    "stop": _nothing,
}
VERBS = tuple(_SUBJECTS)

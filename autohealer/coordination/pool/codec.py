"""Bytes and what they mean.

Whatever is read may have been written by anyone: it is taken only where size, type and range are right, and is None
otherwise. Readers ignore fields they do not know. What is written has a limit, because ZooKeeper answers a node of a
megabyte by cutting the connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from autohealer.core.model import AgentEntry, Hold, Plan, RevisionEntry, Sense, WorkerId
from autohealer.core.operations import VERBS, Operation, Options, check
from autohealer.errors import AutohealerError

MAX_BYTES = 8 * 1024
MAX_PLAN_BYTES = 512 * 1024
MAX_COUNT = 2**31 - 1
# More than any pool has: a number beyond is a mistake or malice, and would be as many processes.
MAX_WORKERS = 1_000_000
MAX_TEXT = 1024

_INT64 = 2**63


class RegistrationData(msgspec.Struct, frozen=True):
    """What a registration says of its worker; each field is None where it says nothing sensible."""

    worker: str | None = None
    agent: str | None = None
    host: str | None = None
    pid: int | None = None
    slot: int | None = None
    address: str | None = None
    started: str | None = None


class Request(msgspec.Struct, frozen=True):
    """What somebody asks of the pool; it may be begun until ``expires`` (Unix time by ZooKeeper's clock)."""

    operation: Operation
    expires: float


# ---- reading


def read_agent(data: bytes) -> AgentEntry | None:
    """An agent's entry."""
    fields = _object(data, MAX_BYTES)
    if fields is None:
        return None
    host, version, http = fields.get("host"), fields.get("version"), fields.get("http")
    capacity, draining = fields.get("capacity"), fields.get("draining", False)
    counts = {name: fields.get(name, 0) for name in ("pid", "share", "running", "unregistered", "departed")}
    if not (_text(host) and _text(version) and isinstance(draining, bool)):
        return None
    if not all(_count(n) for n in counts.values()) or not (capacity is None or _count(capacity)):
        return None
    if not (http is None or _text(http)):
        return None
    plan, policy = fields.get("plan", 0), fields.get("policy", {})
    if not (isinstance(policy, dict) and all(_text(name) and _text(value) for name, value in policy.items())):
        return None
    if not (_integer(plan) and 0 <= plan < _INT64):
        return None
    return AgentEntry(
        host=host,
        version=version,
        capacity=capacity,
        draining=draining,
        http=http,
        plan=plan,
        policy=policy,
        revision=_read_revision(fields.get("revision")),
        **counts,
    )


def _read_revision(fields: object) -> RevisionEntry | None:
    """What an agent says of its revision; None where it says nothing that makes sense."""
    if not isinstance(fields, dict):
        return None
    number, old, outcome = fields.get("number"), fields.get("old"), fields.get("outcome")
    identity = fields.get("hash")
    if not (_count(number) and _count(old) and isinstance(identity, str) and _printable(identity)):
        return None
    return RevisionEntry(number, identity, old, _text_or_none(outcome))


def read_target(data: bytes) -> int | None:
    """How many workers the pool should have."""
    fields = _object(data, MAX_BYTES)
    workers = fields.get("workers") if fields else None
    return workers if _count(workers, MAX_WORKERS) else None


def read_hold(data: bytes) -> Hold | None:
    """Which verdicts are held; names that are no senses are left out."""
    fields = _object(data, MAX_BYTES)
    senses = fields.get("senses") if fields else None
    if fields is None or not isinstance(senses, list):
        return None
    known = frozenset(sense for sense in senses if isinstance(sense, str) and sense in ("all", *Sense))
    return Hold(known, _text_or_none(fields.get("by")) or "", _text_or_none(fields.get("since")) or "")


def read_plan(data: bytes) -> Plan | None:
    """The leader's plan."""
    fields = _object(data, MAX_PLAN_BYTES)
    if fields is None:
        return None
    epoch, leader, shares = fields.get("epoch"), fields.get("leader"), fields.get("shares")
    target, foreign = fields.get("target"), fields.get("foreign", 0)
    if not (
        _integer(epoch) and 0 <= epoch < _INT64 and _text(leader) and _count(target, MAX_WORKERS) and _count(foreign)
    ):
        return None
    if not isinstance(shares, dict) or not all(_text(name) and _count(n, MAX_WORKERS) for name, n in shares.items()):
        return None
    flags = {name: fields.get(name) is True for name in ("anonymous", "finishes")}
    turn = _text_or_none(fields.get("turn"))
    return Plan(epoch=epoch, leader=leader, target=target, foreign=foreign, shares=shares, turn=turn, **flags)


def read_worker(data: bytes) -> RegistrationData:
    """A registration's data; workers may write what they like there, so each field stands for itself."""
    fields = _object(data, MAX_BYTES) or {}
    texts = {name: _text_or_none(fields.get(name)) for name in ("agent", "host", "address", "started")}
    pid, slot, worker = fields.get("pid"), fields.get("slot"), fields.get("worker")
    return RegistrationData(
        worker=worker if _text(worker) and WorkerId.parse(worker) is not None else None,
        pid=pid if _count(pid) else None,
        slot=slot if _count(slot) else None,
        **texts,
    )


def read_request(data: bytes, name: str) -> Request | None:
    """The request of this name; only the verbs of the contract are obeyed."""
    fields = _object(data, MAX_BYTES)
    if fields is None:
        return None
    verb, subject, by, expires = (fields.get(key) for key in ("verb", "subject", "by", "expires"))
    identity, options = fields.get("id", name), _read_options(fields.get("options"))
    if not (isinstance(verb, str) and isinstance(subject, str) and _text(identity) and options is not None):
        return None
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 <= expires < _INT64:
        return None
    operation = Operation(identity, verb, subject, _text_or_none(by), options, request=name)
    if check(operation) is not None or VERBS[verb].expires_s is None:
        return None
    return Request(operation, float(expires))


def _read_options(fields: object) -> Options | None:
    """How a rollout is to go; None where that makes no sense."""
    if fields is None:
        return Options()
    if not isinstance(fields, dict):
        return None
    soak, parallel, force = fields.get("soak"), fields.get("parallel"), fields.get("force", False)
    if not (soak is None or (isinstance(soak, int | float) and not isinstance(soak, bool))):
        return None
    if not (parallel is None or isinstance(parallel, str)) or not isinstance(force, bool):
        return None
    return Options(soak, parallel, force)


def read_name(data: bytes) -> str | None:
    """An agent's id, as an election node holds it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if _text(text) else None


# ---- writing


def write_agent(entry: AgentEntry) -> bytes:
    """What ``read_agent`` reads."""
    return _bytes("the agent's entry", msgspec.to_builtins(entry))


def write_target(workers: int) -> bytes:
    """What ``read_target`` reads."""
    return _bytes("the target", {"workers": workers})


def write_hold(hold: Hold) -> bytes:
    """What ``read_hold`` reads."""
    return _bytes("the hold", {"senses": sorted(hold.senses), "by": hold.by[:MAX_TEXT], "since": hold.since})


def write_plan(plan: Plan) -> bytes:
    """What ``read_plan`` reads."""
    fields = {name: getattr(plan, name) for name in ("epoch", "leader", "target", "foreign", "turn")}
    known = {name: True for name in ("anonymous", "finishes") if getattr(plan, name)}
    return _bytes(
        f"the plan for {len(plan.shares):,} agents",
        {**fields, **known, "shares": dict(plan.shares)},
        MAX_PLAN_BYTES,
        "have fewer agents in a pool",
    )


def write_worker(entry: RegistrationData) -> bytes:
    """What ``read_worker`` reads."""
    return _bytes(f"the registration of {entry.worker}", msgspec.to_builtins(entry))


def write_request(request: Request) -> bytes:
    """What ``read_request`` reads."""
    operation = request.operation
    fields = {name: getattr(operation, name) for name in ("verb", "subject", "id", "by")}
    options = {name: getattr(operation.options, name) for name in ("soak", "parallel", "force")}
    return _bytes("the request", {**fields, "expires": request.expires, "options": options})


def _bytes(
    what: str, fields: Mapping[str, object], limit: int = MAX_BYTES, remedy: str = "shorten the names in it"
) -> bytes:
    data = json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()
    if len(data) > limit:
        raise AutohealerError(
            f"{what} is too large for ZooKeeper: {len(data)} bytes, at most {limit}",
            remedy,
        )
    return data


# ---- judging


def _object(data: bytes, limit: int) -> dict[str, Any] | None:
    """A JSON object, if these bytes are one. Deep nesting and huge numbers raise more than ValueError."""
    if len(data) > limit:
        return None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: object, most: int = MAX_COUNT) -> TypeGuard[int]:
    return _integer(value) and 0 <= value <= most


def _text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value != "" and _printable(value)


def _text_or_none(value: object) -> str | None:
    return value if _text(value) else None


def _printable(value: str) -> bool:
    """Nothing that a terminal would obey, and nothing that cannot be encoded again."""
    return len(value) <= MAX_TEXT and value.isprintable()

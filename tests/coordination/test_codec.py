"""What is written is read as it was; whatever else is read never raises, and is never believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.coordination.pool import codec as entries
from autohealer.coordination.pool.codec import RegistrationData, Request
from autohealer.core.model import AgentEntry, Plan, RevisionEntry
from autohealer.core.operations import Operation, Options
from autohealer.errors import AutohealerError
from autohealer.runtime.ledger import new_agent_id

counts = st.integers(0, entries.MAX_COUNT)
numbers_of_workers = st.integers(0, entries.MAX_WORKERS)
texts = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
agent_entries = st.builds(
    AgentEntry,
    host=texts,
    pid=counts,
    version=texts,
    share=counts,
    running=counts,
    unregistered=counts,
    departed=counts,
    capacity=st.none() | counts,
    draining=st.booleans(),
    http=st.none() | texts,
    plan=st.integers(0, 2**63 - 1),
    revision=st.none() | st.builds(RevisionEntry, counts, st.just("") | texts, counts, st.none() | texts),
)
plans = st.builds(
    Plan,
    epoch=st.integers(0, 2**63 - 1),
    leader=texts,
    target=numbers_of_workers,
    foreign=counts,
    shares=st.dictionaries(texts, numbers_of_workers, max_size=5),
    anonymous=st.booleans(),
    turn=st.none() | texts,
)
worker_entries = st.builds(
    RegistrationData,
    worker=st.none() | st.just("host-a-3-x1"),
    agent=st.none() | texts,
    host=st.none() | texts,
    pid=st.none() | counts,
    slot=st.none() | counts,
    address=st.none() | texts,
    started=st.none() | texts,
)
requests = st.builds(
    Request,
    st.builds(
        Operation,
        id=texts,
        verb=st.just("restart"),
        subject=st.just("") | texts,
        by=st.none() | texts,
        options=st.builds(
            Options,
            soak=st.none() | st.floats(0, 1e6),
            parallel=st.none() | st.from_regex(r"[1-9][0-9]{0,5}%?", fullmatch=True),
            force=st.booleans(),
        ),
        request=st.just("request-1"),
    ),
    expires=st.floats(0, 1e12),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    *("host", "pid", "version", "share", "running", "unregistered", "departed", "capacity", "draining", "http"),
    *("workers", "epoch", "leader", "target", "foreign", "shares", "verb", "subject", "expires", "id", "by", "options"),
    *("worker", "agent", "slot", "address", "started"),
]
odd_objects = st.dictionaries(st.sampled_from(FIELDS), json_values).map(lambda value: json.dumps(value).encode())

read_request = partial(entries.read_request, name="request-1")
READERS: list[Callable[[bytes], object]] = [
    entries.read_agent,
    entries.read_target,
    entries.read_plan,
    entries.read_worker,
    read_request,
    entries.read_name,
]


@pytest.mark.parametrize("read", READERS)
@given(data=st.binary(max_size=200) | odd_objects)
def test_no_bytes_raise(read: Callable[[bytes], object], data: bytes) -> None:
    """Anyone may write anything to ZooKeeper."""
    read(data)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("data", [b"[" * 5000, b"{" * 5000, b"9" * 6000, b'{"workers":' + b"9" * 5000 + b"}"])
def test_monsters_do_not_raise(read: Callable[[bytes], object], data: bytes) -> None:
    """Deep nesting and endless numbers upset a JSON parser in ways of their own."""
    assert read(data) in (None, RegistrationData())


@given(agent_entries)
def test_an_agents_entry_is_read_as_written(entry: AgentEntry) -> None:
    """Round trip."""
    assert entries.read_agent(entries.write_agent(entry)) == entry


@given(plans)
def test_a_plan_is_read_as_written(plan: Plan) -> None:
    """Round trip."""
    assert entries.read_plan(entries.write_plan(plan)) == plan


@given(worker_entries)
def test_a_workers_entry_is_read_as_written(entry: RegistrationData) -> None:
    """Round trip."""
    assert entries.read_worker(entries.write_worker(entry)) == entry


@given(requests)
def test_a_request_is_read_as_written(request: Request) -> None:
    """Round trip."""
    assert read_request(entries.write_request(request)) == request


@given(numbers_of_workers)
def test_a_target_is_read_as_written(workers: int) -> None:
    """Round trip."""
    assert entries.read_target(entries.write_target(workers)) == workers


def test_a_number_that_no_pool_has_is_not_obeyed() -> None:
    """It would be as many processes."""
    assert entries.read_target(b'{"workers": 1000001}') is None
    assert entries.read_plan(b'{"epoch": 1, "leader": "a", "target": 1, "shares": {"a": 2000000}}') is None


@given(entry=agent_entries, later=json_values)
def test_fields_of_a_later_version_are_ignored(entry: AgentEntry, later: object) -> None:
    """Agents of two versions may run side by side."""
    data = json.dumps({**json.loads(entries.write_agent(entry)), "since_later": later}).encode()

    assert entries.read_agent(data[: entries.MAX_BYTES]) == entry


@pytest.mark.parametrize(
    ("read", "good", "field", "bad"),
    [
        (entries.read_target, {"workers": 3}, "workers", -1),
        (entries.read_target, {"workers": 3}, "workers", 2**40),
        (entries.read_target, {"workers": 3}, "workers", True),
        (entries.read_target, {"workers": 3}, "workers", 3.0),
        (entries.read_plan, {"epoch": 1, "leader": "a", "target": 1, "shares": {}}, "epoch", -1),
        (entries.read_plan, {"epoch": 1, "leader": "a", "target": 1, "shares": {}}, "epoch", 2**63),
        (entries.read_plan, {"epoch": 1, "leader": "a", "target": 1, "shares": {}}, "shares", {"a": -1}),
        (entries.read_plan, {"epoch": 1, "leader": "a", "target": 1, "shares": {}}, "leader", "\x1b[2J"),
        (entries.read_agent, {"host": "h", "version": "1"}, "host", "\x1b]0;owned\x07"),
        (entries.read_agent, {"host": "h", "version": "1"}, "host", "h" * 2000),
        (entries.read_agent, {"host": "h", "version": "1"}, "capacity", -5),
        (entries.read_agent, {"host": "h", "version": "1"}, "draining", 1),
        (read_request, {"verb": "kill", "subject": "a-0-x", "expires": 9}, "verb", "exec"),
        (read_request, {"verb": "kill", "subject": "a-0-x", "expires": 9}, "verb", ["kill"]),
        (read_request, {"verb": "kill", "subject": "a-0-x", "expires": 9}, "subject", "a\nb"),
        (read_request, {"verb": "kill", "subject": "a-0-x", "expires": 9}, "expires", float("nan")),
        (read_request, {"verb": "kill", "subject": "a-0-x", "expires": 9}, "expires", True),
    ],
)
def test_one_odd_field_spoils_it(
    read: Callable[[bytes], object], good: dict[str, object], field: str, bad: object
) -> None:
    """Wrong types, numbers out of range and terminal escapes are not believed."""
    assert read(json.dumps(good).encode()) is not None
    assert read(json.dumps({**good, field: bad}).encode()) is None


def test_a_worker_may_write_what_it_likes_beside_its_id() -> None:
    """Each field of a registration stands for itself."""
    entry = entries.read_worker(b'{"worker": "host-a-0-x", "pid": "many", "slot": 2, "host": 5}')

    assert entry == RegistrationData(worker="host-a-0-x", slot=2)


def test_too_much_is_not_read() -> None:
    """Eight KiB, and half a MiB for a plan."""
    padded = b'{"workers": 3}' + b" " * entries.MAX_BYTES
    shares = {f"agent-{n:06}": 1 for n in range(40_000)}
    plan = json.dumps({"epoch": 1, "leader": "a", "target": 1, "shares": shares}).encode()

    assert entries.read_target(padded) is None
    assert len(plan) > entries.MAX_PLAN_BYTES
    assert entries.read_plan(plan) is None


def test_too_much_is_not_written() -> None:
    """It is said what is too large, and how large it may be."""
    with pytest.raises(AutohealerError, match=r"the agent's entry is too large .* at most 8192"):
        entries.write_agent(AgentEntry(host="h" * 9000, pid=1, version="0"))
    with pytest.raises(AutohealerError, match=r"the plan for 40,000 agents is too large .* at most 524288"):
        entries.write_plan(Plan(1, "a", 1, 0, {f"agent-{n:06}": 1 for n in range(40_000)}))


def test_ten_thousand_agents_have_room_in_a_plan_and_what_has_not_is_refused_in_words() -> None:
    """With ids as long as agents make them."""
    longest = len(new_agent_id("h" * 80))
    shares = {f"{number:0{longest}}": 100 for number in range(10_000)}
    plan = Plan(2**60, "a", 1_000_000, 0, shares)
    assert entries.read_plan(entries.write_plan(plan)) == plan
    shares = {f"{number:0{longest}}": 100 for number in range(20_000)}

    with pytest.raises(AutohealerError, match=r"the plan for 20,000 agents is too large .* at most 524288") as raised:
        entries.write_plan(Plan(1, "a", 1_000_000, 0, shares))
    assert raised.value.hint == "have fewer agents in a pool"


def test_a_command_never_crosses_zookeeper() -> None:
    operation = Operation("id", "restart", options=Options(command=("rm", "-r")))

    assert b"rm" not in entries.write_request(Request(operation, 0.0))
    smuggled = b'{"verb":"update","subject":"","id":"i","expires":9e9,"options":{"command":["rm"]}}'
    assert entries.read_request(smuggled, "request-1") is None


@pytest.mark.parametrize("revision", [5, {"number": 1}, {"number": -1, "hash": "", "old": 0}, {"number": 1, "hash": 1}])
def test_nonsense_about_a_revision_is_none(revision: object) -> None:
    data = json.loads(entries.write_agent(AgentEntry("host", 1, "1.0")))
    entry = entries.read_agent(json.dumps({**data, "revision": revision}).encode())

    assert entry is not None
    assert entry.revision is None

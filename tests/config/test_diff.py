"""What has changed between two configurations, and what is to be done about it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from autohealer.config.diff import Fate, difference
from autohealer.config.options import Change
from autohealer.config.schema import POOL_FIELDS, AgentOptions, Configuration, PoolOptions
from autohealer.core.model import OnPartition

OTHER: dict[str, Any] = {
    "workers": 4,
    "command": ("other",),
    "stop_timeout": 3.0,
    "env": {"A": "s3cret"},
    "capacity": 7,
}


def pool(name: str, **values: Any) -> PoolOptions:
    return PoolOptions(**{"pool": name, "workers": 1, "command": ("sleep", "1"), **values})


def configuration(*pools: PoolOptions, **agent: Any) -> Configuration:
    return Configuration(agent=AgentOptions(**agent), pools=pools)


def test_what_becomes_of_each_pool() -> None:
    """In words, and by what the changed options mean."""
    old = configuration(pool("equal"), pool("grows"), pool("other", env={"A": "s3cret", "B": "1"}), pool("gone"))
    new = configuration(
        pool("new"),
        pool("equal"),
        pool("grows", workers=3, stop_timeout=5),
        pool("other", command=("sleep", "a b"), env={"A": "0ther", "C": "1"}),
        http="127.0.0.1:1",
    )
    found = difference(old, new)

    assert [(change.pool, change.fate) for change in found.pools] == [
        ("new", Fate.NEW),
        ("equal", Fate.EQUAL),
        ("grows", Fate.CHANGED),
        ("other", Fate.CHANGED),
        ("gone", Fate.MISSING),
    ]
    grows, other = found.pools[2:4]
    assert (grows.has(Change.SCALE), grows.has(Change.NOTHING), grows.has(Change.ROLLOUT)) == (True, True, False)
    assert (other.has(Change.SCALE), other.has(Change.ROLLOUT)) == (False, True)
    assert list(found.lines()) == [
        f"agent: http: none -> 127.0.0.1:1 ({Change.RESTART.value})",
        "new: new: it is started",
        "equal: not changed",
        "grows: workers: 1 -> 3 (workers are started or stopped)",
        "grows: stop-timeout: 10 -> 5 (takes effect at once; no worker is touched)",
        "other: command: sleep 1 -> sleep 'a b' (workers are replaced one by one)",
        "other: env: B, A -> A, C (workers are replaced one by one)",
        "gone: no longer there: it is drained and stopped",
    ]


def test_nothing_has_changed() -> None:
    assert difference(configuration(pool("a")), configuration(pool("a"))).is_empty


def test_where_no_worker_may_outlive_its_agent_what_concerns_none_waits_for_the_next_start() -> None:
    """Numbers and revisions are applied as ever."""
    changed = {"stop_timeout": 1.0, "on_partition": OnPartition.KEEP, "workers": 9, "command": ("true",)}
    found = difference(configuration(pool("a", on_partition=OnPartition.STOP)), configuration(pool("a", **changed)))
    (change,) = found.pools

    assert {value.key: value.change for value in change.values} == {
        "workers": Change.SCALE,
        "command": Change.ROLLOUT,
        "stop-timeout": Change.STOP,
        "on-partition": Change.STOP,
    }


POOLS = st.lists(
    st.builds(
        lambda name, fields: pool(name, **{field: OTHER[field] for field in fields}),
        st.sampled_from("abcd"),
        st.sets(st.sampled_from(sorted(OTHER))),
    ),
    unique_by=lambda made: made.pool,
    max_size=4,
)


@given(POOLS, POOLS)
def test_it_is_whole(before: list[PoolOptions], after: list[PoolOptions]) -> None:
    """Every pool of either is there once; what it tells is what differs; secrets are in no line."""
    found = difference(configuration(*before), configuration(*after))
    old, new = ({one.pool: one for one in pools} for pools in (before, after))

    assert {change.pool: change.fate for change in found.pools} == {
        name: Fate.NEW if name not in old
        else Fate.MISSING if name not in new
        else Fate.EQUAL if old[name] == new[name] else Fate.CHANGED
        for name in {**old, **new}
    }  # fmt: skip
    for change in found.pools:
        if change.fate is Fate.CHANGED:
            changed = {value.key.replace("-", "_") for value in change.values}
            same = {name: getattr(old[change.pool], name) for name in changed}
            assert msgspec.structs.replace(new[change.pool], **same) == old[change.pool]
            assert all(
                value.change is POOL_FIELDS[value.key.replace("-", "_")].option.change for value in change.values
            )
    assert found.is_empty == (old == new)
    assert "s3cret" not in "\n".join(found.lines())

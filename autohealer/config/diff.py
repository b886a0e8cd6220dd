"""What has changed between two configurations, and what that means for the pools that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from autohealer.config.options import Change, Field
from autohealer.config.schema import AGENT_FIELDS, POOL_FIELDS, Configuration, PoolOptions
from autohealer.core.model import OnPartition


class Fate(StrEnum):
    """What becomes of a pool."""

    EQUAL = "equal"
    CHANGED = "changed"
    NEW = "new"
    MISSING = "missing"


class ValueChange(NamedTuple):
    """One option with another value, both as they would be typed; those of environments are not shown."""

    key: str
    old: str
    new: str
    change: Change


class PoolChange(NamedTuple):
    """What becomes of one pool; ``values`` only where it is in both configurations."""

    pool: str
    fate: Fate
    values: tuple[ValueChange, ...] = ()

    def has(self, change: Change) -> bool:
        """Whether a value has changed that means this."""
        return any(value.change is change for value in self.values)


class Difference(NamedTuple):
    """Between what runs and what is to run."""

    agent: tuple[ValueChange, ...]
    pools: tuple[PoolChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not self.agent and all(pool.fate is Fate.EQUAL for pool in self.pools)

    def lines(self) -> Iterator[str]:
        """It, for people."""
        for value in self.agent:
            yield f"agent: {_line(value)}"
        for pool in self.pools:
            if pool.fate is not Fate.CHANGED:
                yield f"{pool.pool}: {_FATES[pool.fate]}"
            for value in pool.values:
                yield f"{pool.pool}: {_line(value)}"


WITHOUT_WORKERS = (Change.NOTHING, Change.RESTART)
"""What another agent process, or another runner in this one, would go on with."""
_FATES = {
    Fate.EQUAL: "not changed",
    Fate.NEW: "new: it is started",
    Fate.MISSING: "no longer there: it is drained and stopped",
}


def difference(old: Configuration, new: Configuration) -> Difference:
    """What is to be done to get from one to the other; pools in the order of the new one, then those that go."""
    before = {pool.pool: pool for pool in old.pools}
    after = {pool.pool: pool for pool in new.pools}
    changes = [_pool_change(before.get(name), pool) for name, pool in after.items()]
    gone = [PoolChange(name, Fate.MISSING) for name in before if name not in after]
    agent = list(_values(AGENT_FIELDS, old.agent, new.agent))
    if old.notify != new.notify:  # their URLs are not shown
        agent.append(ValueChange("notify", str(len(old.notify)), str(len(new.notify)), Change.NOTHING))
    return Difference(tuple(agent), (*changes, *gone))


def _pool_change(old: PoolOptions | None, new: PoolOptions) -> PoolChange:
    if old is None:
        return PoolChange(new.pool, Fate.NEW)
    values = tuple(_values(POOL_FIELDS, old, new))
    if old.on_partition is OnPartition.STOP:
        values = tuple(v._replace(change=Change.STOP) if v.change in WITHOUT_WORKERS else v for v in values)
    return PoolChange(new.pool, Fate.CHANGED if values else Fate.EQUAL, values)


def _values(fields: Mapping[str, Field], old: msgspec.Struct, new: msgspec.Struct) -> Iterator[ValueChange]:
    for name, field in fields.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield ValueChange(field.key, *_shown(field, before, after), field.option.change)


def _shown(field: Field, old: object, new: object) -> tuple[str, str]:
    """Both values; of a table the names of what is added, removed or changed."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        gone = [name for name in old if name not in new]
        here = [name for name in new if new[name] != old.get(name)]
        return ", ".join([*gone, *(name for name in here if name in old)]) or "none", ", ".join(here) or "none"
    return field.show(old), field.show(new)


def _line(value: ValueChange) -> str:
    return f"{value.key}: {value.old} -> {value.new} ({value.change.value})"

"""What all agents of a pool should agree on, and who does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autohealer.core.model import PoolSpec

Policy = Mapping[str, str]


def policy_of(spec: PoolSpec) -> Policy:
    """By the options' names. Each of these decides what another agent may rely on."""
    return {
        "on-partition": str(spec.on_partition),
        "registration": str(spec.registration),
        "restart": str(spec.restart),
    }


def difference(mine: Policy, other: Policy) -> str:
    """What another agent has otherwise, for people; empty where it has the same, or does not say."""
    differing = [name for name in mine if other.get(name, mine[name]) != mine[name]]
    return ", ".join(f"--{name} {other[name]} and not {mine[name]}" for name in differing)

"""Whether an agent does what it should."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autohealer.core.pool.snapshot import Snapshot
from autohealer.web.readiness import readiness
from tests.web.scenes import SNAPSHOT


@pytest.mark.parametrize(
    ("snapshot", "is_ready", "text"),
    [
        (SNAPSHOT, True, "ready: 3 of 3 workers of this agent run"),
        (replace(SNAPSHOT, running=4), True, "ready: 4 of 3 workers of this agent run"),
        (replace(SNAPSHOT, running=0, share=0), True, "ready: 0 of 0 workers of this agent run"),
        (replace(SNAPSHOT, running=2), False, "2 of 3 workers of this agent run"),
        (replace(SNAPSHOT, draining=True), False, "this agent is being emptied"),
        (
            replace(SNAPSHOT, share=None, away_since=0.0),
            False,
            "this agent does not know its share: ZooKeeper has not answered yet",
        ),
        (
            replace(SNAPSHOT, share=None),
            False,
            "this agent does not know its share: no plan has reached this agent yet",
        ),
        (
            replace(SNAPSHOT, connected=False, away_since=90.0),
            True,
            "ready: 3 of 3 workers of this agent run; ZooKeeper has been away for 10s",
        ),
    ],
)
def test_readiness(snapshot: Snapshot, is_ready: bool, text: str) -> None:
    """Its share of workers runs; an outage of ZooKeeper is not one of its."""
    assert readiness(snapshot) == (is_ready, text)

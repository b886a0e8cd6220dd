"""What a faulty worker was doing, as people read it."""

from __future__ import annotations

import pytest

from autohealer.core.events import Evidence

LINES = tuple(str(number) for number in range(7))


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (Evidence(), "the process is gone"),
        (Evidence(output=LINES), "the process is gone\n2\n3\n4\n5\n6"),
        (Evidence("R (running)"), "state R (running)"),
        (Evidence("D (disk sleep)", waits_in="nfs_wait"), "state D (disk sleep), waits in nfs_wait"),
        (
            Evidence("S (sleeping)", "ep_poll", "main()", 3 * 2**19, ("bye",)),
            "state S (sleeping), waits in ep_poll, 1.5 MiB resident\nmain()\nbye",
        ),
    ],
)
def test_what_could_not_be_learnt_is_left_out(evidence: Evidence, text: str) -> None:
    assert evidence.text == text

"""What can be drilled: how many workers it touches, and what has to follow."""

from __future__ import annotations

import msgspec


class FaultKind(msgspec.Struct, frozen=True):
    """``replaces``: the workers that it touches have to be replaced; otherwise every worker has to stay."""

    name: str
    text: str
    touches: str
    replaces: bool
    within_s: float


ONE, NONE = "one worker", "no worker"
KINDS = {
    kind.name: kind
    for kind in (
        FaultKind("kill", "SIGKILL to one worker", ONE, replaces=True, within_s=10.0),
        FaultKind("half", "SIGKILL to half of the workers here at once", "half of them", replaces=True, within_s=20.0),
        FaultKind("stop", "SIGTERM to one worker, as if somebody had stopped it", ONE, replaces=True, within_s=30.0),
        FaultKind("hang", "SIGSTOP to one worker, which a sense has to find", ONE, replaces=True, within_s=120.0),
        FaultKind("leak", "one worker's memory is told to be beyond its limit", ONE, replaces=True, within_s=120.0),
        FaultKind(
            "zk-away", "this agent is cut off from ZooKeeper for ten seconds", NONE, replaces=False, within_s=30.0
        ),
        FaultKind("agent", "SIGKILL to the agent, which is started again", NONE, replaces=False, within_s=60.0),
        FaultKind("release", "an update to a command that ends at once", NONE, replaces=False, within_s=120.0),
    )
}

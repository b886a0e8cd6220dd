"""What each state and event looks like: a glyph and a word, and a colour that only repeats what they say."""

from __future__ import annotations

import msgspec

# The terminal's own sixteen colours, so that a light and a dark theme both stay readable. Deaths and heals differ in
# red and cyan, which all kinds of colour-blindness keep apart; the glyph and the word say it anyway.
STYLES = {
    "": "",
    "bold": "bold",
    "dim": "dim",
    "title": "bold cyan",
    "rule": "dim",
    "key": "bold",
    "good": "green",
    "warm": "yellow",
    "bad": "bold red",
    "heal": "cyan",
    "aside": "magenta",
    "chosen": "reverse",
}


class Look(msgspec.Struct, frozen=True):
    """How something is shown."""

    glyph: str
    word: str
    style: str


STATES = {
    "starting": Look("◐", "starting", "heal"),
    "standby": Look("◇", "standby", "aside"),
    "running": Look("●", "running", "good"),
    "stopping": Look("◌", "stopping", "warm"),
    "backoff": Look("▲", "backoff", "bad"),
    "gone": Look("○", "gone", "dim"),
}
CONNECTED = Look("●", "connected", "good")
AWAY = Look("▲", "away", "bad")

EVENTS = {
    "worker.started": Look("+", "started", "heal"),
    "worker.ready": Look("●", "ready", "good"),
    "worker.exited": Look("✗", "died", "bad"),
    "worker.faulty": Look("!", "faulty", "bad"),
    "worker.stopped": Look("◌", "stopped", "warm"),
    "worker.adopted": Look("●", "adopted", "good"),
    "worker.promoted": Look("◇", "promoted", "heal"),
    "worker.backoff": Look("▲", "backoff", "bad"),
    "agent.joined": Look("+", "agent", "aside"),
    "agent.left": Look("-", "agent", "aside"),
    "agent.draining": Look("◌", "drain", "warm"),
    "leader.elected": Look("★", "leader", "aside"),
    "leader.lost": Look("☆", "leader", "warm"),
    "plan.changed": Look("≡", "plan", "dim"),
    "target.changed": Look("≡", "target", "bold"),
    "zookeeper.connected": Look("●", "zk", "good"),
    "zookeeper.suspended": Look("▲", "zk", "bad"),
    "zookeeper.lost": Look("▲", "zk", "bad"),
    "warning": Look("!", "warning", "warm"),
}

BARS = " ▁▂▃▄▅▆▇█"

# For a terminal that speaks no Unicode: as many columns, in ASCII.
ASCII = str.maketrans("●◐◇◌▲○✗★☆≡─█░▁▂▃▄▅▆▇…·↑↓", "*/o-!.x*'=-#...::++#~.^v")


def state_look(state: str) -> Look:
    """How a state is shown; one that a newer agent has invented is shown by its word."""
    return STATES.get(state) or Look("?", state, "")


def event_look(event: str) -> Look:
    """How an event is shown, known or not."""
    return EVENTS.get(event) or Look("·", event, "")

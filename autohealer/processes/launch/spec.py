"""What a worker is started from, and that under a number: a revision.

A revision is a value. It is compared by its hash, kept in the ledger (which only the agent's user may read, since
``env`` can hold secrets), and given to each start. What a start has beyond it, a worker id for instance, is in
`environment`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import msgspec

_HASH_LENGTH = 12


class LaunchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in which the workers of two revisions can differ."""

    command: tuple[str, ...]
    env: dict[str, str]
    """What is set beside the agent's own environment."""
    cwd: str
    """Absolute, as it was written: it may be a link, and is looked up anew at every start."""
    output: Literal["file", "stdout", "none", "journald"]
    port_base: int | None = None
    limits: dict[str, str] = {}
    """By name, as ``SOFT:HARD`` in numbers or ``unlimited``."""
    user: str | None = None
    group: str | None = None
    umask: int | None = None
    nice: int | None = None
    stdin: Literal["null", "open"] = "null"
    sockets: int = 0
    """How many listening sockets its workers inherit."""

    @property
    def needs_listen_pid(self) -> bool:
        """Do its workers find their sockets by LISTEN_PID? Those that are told a number by ``{fd}`` do not."""
        return self.sockets > 0 and not any("{fd}" in word for word in self.command)

    @property
    def hash(self) -> str:
        """Equal for equal specs, on every host; tells nothing of the content."""
        # As ASCII: an argument may hold bytes that are no text.
        content = json.dumps(msgspec.to_builtins(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:_HASH_LENGTH]


class Revision(msgspec.Struct, frozen=True):
    """A spec with its number, which grows with each change and is never used again in the same pool on this host."""

    number: int
    spec: LaunchSpec

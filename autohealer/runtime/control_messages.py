"""What goes over the control socket, and who is at its other end."""

from __future__ import annotations

import json
import os
import pwd
import socket
import struct
from functools import lru_cache
from typing import NamedTuple

import msgspec

from autohealer.core.operations import Options

# A line may hold the command of an `update`.
MAX_LINE = 128 * 1024


class Asked(msgspec.Struct, frozen=True):
    """What to do."""

    id: str
    verb: str
    subject: str = ""
    options: Options = msgspec.field(default_factory=Options)


class Subscription(msgspec.Struct, frozen=True):
    """How to be fed; ``others``: with other agents, too."""

    others: bool = False


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line to the agent: a question, something to do, or the wish to be fed from now on."""

    ask: str | None = None
    do: Asked | None = None
    subscribe: Subscription | None = None
    pool: str | None = None


class Peer(NamedTuple):
    """Who is at the other end of a connection, as the kernel says."""

    pid: int
    uid: int

    @property
    def may_choose_commands(self) -> bool:
        """Whether a command to run is taken from it: the agent's own user, or root."""
        return self.uid in (0, os.geteuid())


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end. Raises OSError."""
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(pid, uid)


@lru_cache(maxsize=64)
def described(uid: int) -> str:
    """A user as ``name@host``. May ask a directory service, which takes its time: not for the loop's thread."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    return f"{name}@{socket.gethostname()}"


def to_line(content: object) -> bytes:
    """As it goes over the socket."""
    try:
        return msgspec.json.encode(content) + b"\n"
    except UnicodeEncodeError:  # a command's argument may hold bytes that are no text
        return json.dumps(msgspec.to_builtins(content)).encode() + b"\n"


def to_call(line: bytes) -> Call:
    """What a line asks for. Raises MsgspecError, ValueError or RecursionError where that makes no sense."""
    try:
        return msgspec.json.decode(line, type=Call)
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(line), Call)

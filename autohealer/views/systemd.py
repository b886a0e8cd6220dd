"""A systemd unit for an agent, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "%": "%%", "$": "$$"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@{}")


class Unit(NamedTuple):
    """What differs from one unit to another."""

    description: str
    command: Sequence[str]
    directory: str
    environment: Sequence[tuple[str, str]]
    stop_timeout_s: float
    wanted_by: str


def systemd_unit(unit: Unit) -> str:
    """The whole file. Each setting that is not what one would expect says why."""
    environment = "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in unit.environment)
    return f"""[Unit]
Description={_escaped(unit.description)}
After=network-online.target
Wants=network-online.target
# However often it has failed: workers without an agent are healed by nobody.
StartLimitIntervalSec=0

[Service]
# The agent says when it is ready, how its pools stand, and that its loop turns.
Type=notify
WatchdogSec=30
ExecStart={" ".join(_quoted(word) for word in unit.command)}
WorkingDirectory={_escaped(unit.directory)}
{environment}# Only the agent is killed: its workers go on, and the next agent takes them over.
KillMode=process
Restart=on-failure
# `autohealer leave` ends with 7, and a new version begins; `autohealer stop` ends for good.
RestartForceExitStatus=7
# A wrong command line, and a pool that another agent runs, are not mended by another try.
RestartPreventExitStatus=2 5
RestartSec=1
# So long it may take to hand over and to stop its workers.
TimeoutStopSec={unit.stop_timeout_s:g}
# One worker that is killed for want of memory is a death to be healed, not the end of the service.
OOMPolicy=continue
Delegate=yes

[Install]
WantedBy={unit.wanted_by}
"""


def _quoted(word: str) -> str:
    """One word of a command line, as systemd reads it."""
    text = "".join(_ESCAPES.get(character, character) for character in word)
    return text if word and set(word) <= _PLAIN else f'"{text}"'


def _escaped(text: str) -> str:
    """A value in which only specifiers mean something."""
    return text.replace("%", "%%").replace("\n", " ")

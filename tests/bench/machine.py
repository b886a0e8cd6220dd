"""What was measured on what, and how quiet it was meanwhile."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.peers import Peer

STEAL = 8
"""The field of /proc/stat that counts the time in which the host gave a virtual core to somebody else."""


class Watch:
    """How quiet the machine is, from its creation on."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._began, self._stolen_s = time.monotonic(), _stolen_s()

    def __str__(self) -> str:
        took_s = time.monotonic() - self._began
        stolen = (_stolen_s() - self._stolen_s) / took_s / (os.cpu_count() or 1)
        return f"load {self._load:.1f} when it began, {100 * stolen:.2f} % of the cores' time taken by other guests"


def head(peers: Sequence[type[Peer]], watch: Watch) -> str:
    """Markdown: the day, the machine, and the versions of all that was measured."""
    machine = (
        f"{_processor()}, {os.cpu_count()} cores{_virtual()}; Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )
    lines = [f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine}; {watch}.", ""]
    for peer in peers:
        note = f" ({peer.note})" if peer.note else ""
        lines.append(f"- {peer.name}: {peer.version()}{note}")
    return "\n".join(lines) + "\n\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _virtual() -> str:
    return " of a virtual machine" if " hypervisor" in Path("/proc/cpuinfo").read_text() else ""


def _stolen_s() -> float:
    return int(Path("/proc/stat").read_text().split(maxsplit=STEAL + 1)[STEAL]) / os.sysconf("SC_CLK_TCK")

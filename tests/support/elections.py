"""An election as its users have it: the real command line, and a command whose lives are on record."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import beating
from tests.support.processes import Processes, eventually

TIMEOUT_S = 2.0


class Lives(NamedTuple):
    """What one leader's command and its descendants have written: the first beat and the last."""

    epoch: int
    began: float
    ended: float


@dataclass
class Election:
    """Candidates of one path, by name."""

    processes: Processes
    zk: str
    candidates: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def record(self) -> Path:
        """Where the commands beat."""
        return self.processes.directory / "beats"

    def stand(self, name: str, *how: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a candidate whose command beats."""
        command = (sys.executable, "-S", "-E", beating.__file__, str(self.record), *how)
        return self.start(name, *options, "--", *command)

    def start(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a candidate."""
        where = ("--zk", self.zk, "--session-timeout", str(TIMEOUT_S), "--json")
        process = self.processes.autohealer("elect", *where, *arguments, output=name)
        self.candidates[name] = process
        return process

    def said(self, name: str) -> list[dict[str, Any]]:
        """The events that a candidate has printed."""
        lines = self.processes.read(name).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def leads(self, name: str) -> bool:
        """Whether it says so, at last."""
        events = [event["event"] for event in self.said(name)]
        return bool(events) and events[-1] == "elected"

    def leader(self, *, among: tuple[str, ...] = (), within: float = 30.0) -> str:
        """Wait until one of them leads and its command beats."""
        names = among or tuple(self.candidates)

        def found() -> str | None:
            return next((name for name in names if self.leads(name) and self.beats_of(name)), None)

        name = eventually(found, within, what=f"a leader among {names}: {[self.said(name) for name in names]}")
        assert name is not None
        return name

    def beats_of(self, name: str) -> bool:
        """Whether the command of the candidate's present term has begun."""
        pid = self.candidates[name].pid
        return any(f"PPid:\t{pid}\n" in _status(beat) for beat in {pid for pid, _, _ in self.beats()})

    def beats(self) -> list[tuple[int, int, float]]:
        """Pid, epoch and moment of every beat."""
        if not self.record.exists():
            return []
        lines = self.record.read_text().splitlines(keepends=True)
        return [
            (int(pid), int(epoch), float(at)) for pid, epoch, at in (line.split() for line in lines if line[-1] == "\n")
        ]

    def lives(self) -> list[Lives]:
        """What each leader's command did, in the order of time. One pid is one life, and so is one epoch."""
        found: dict[int, list[float]] = {}
        for _, epoch, at in self.beats():
            found.setdefault(epoch, []).append(at)
        return sorted((Lives(epoch, min(at), max(at)) for epoch, at in found.items()), key=lambda life: life.began)

    def assert_never_twice(self) -> None:
        """No command began before all that came of the former one had ended, and the epoch grew."""
        lives = self.lives()
        for former, later in pairwise(lives):
            assert former.ended < later.began, f"two at once for {former.ended - later.began:.3f} s: {lives}"
            assert former.epoch < later.epoch


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""

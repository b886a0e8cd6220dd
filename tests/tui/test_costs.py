"""What the dashboard costs, as the process that it is: a thousand workers, four times a second, on a large terminal."""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import threading
import time
from pathlib import Path

from autohealer.runtime.state_dir import StateDir
from tests.support.processes import Processes, eventually
from tests.support.terminals import Terminal
from tests.tui import scenes

WORKERS = 1000
MOST_MEMORY = 60 * 2**20
MOST_CPU = 0.10
"""Of a core. On a quiet machine it is 3 %."""
FRAMES = 32
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def feed(listener: socket.socket, stopped: threading.Event, sent: list[int]) -> None:
    """An agent's feed: all rows are measured anew every two seconds, some change at each look, and one dies."""
    connection, _ = listener.accept()
    told, events = scenes.healthy(WORKERS)
    rows = told["workers"]
    with connection:
        connection.recv(4096)
        lines: list[object] = [{"snapshot": told}, *({"event": event} for event in events)]
        while not stopped.wait(0.25):
            sent.append(len(sent))
            connection.sendall(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            changed = rows if len(sent) % 8 == 0 else random.sample(rows, 20)
            for row in changed:
                row["cpu"], row["rss"] = random.random() / 3, row["rss"] + random.randint(-50_000, 50_000)
            lines = [{"changes": {"workers": changed}}, {"event": {**events[-1], "time": scenes.at(0)}}]


def test_a_thousand_workers(processes: Processes) -> None:
    """Less than 60 MiB, and a few hundredths of a core."""
    folder = StateDir(processes.state_dir, "web")
    folder.create()
    stopped, sent = threading.Event(), list[int]()
    terminal = Terminal(processes, 200, 60)
    listener = folder.listen_control()
    feeding = threading.Thread(target=feed, args=(listener, stopped, sent))
    feeding.start()
    try:
        terminal.start("-m", "autohealer.tui", "web", str(processes.state_dir), program=sys.executable)
        terminal.until("1,000 of 1,000 running")
        pid, first = terminal.process.pid, len(sent)
        before, began = cpu_s(pid), time.monotonic()
        eventually(lambda: terminal.lines and len(sent) >= first + FRAMES, 120)
        share = (cpu_s(pid) - before) / (time.monotonic() - began)
        memory = resident(pid)
    finally:
        stopped.set()
        terminal.close()
        feeding.join(20)
        listener.close()
    assert memory < MOST_MEMORY
    assert share < MOST_CPU


def cpu_s(pid: int) -> float:
    """The processor time that the process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident(pid: int) -> int:
    """Its memory, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

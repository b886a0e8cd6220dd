#!/usr/bin/env python3
"""Draw docs/dashboard.svg: a real pool of flaky workers, lived through for a while, as `autohealer top` shows it.

Run it from anywhere, with the project installed: python docs/make_picture.py [--seconds 60]
"""

from __future__ import annotations

import argparse
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autohealer.processes.meter import Meter
from rich.console import Console

from autohealer.views.controls import Controls
from autohealer.views.dashboard import Scene, frame
from autohealer.views.history import History
from autohealer.views.pool import of_status

WIDTH, HEIGHT = 100, 30
WORKERS = 10
LOOK_S = 1.0
FLAKY = (sys.executable, "-m", "flaky_worker", "--mean-life", "20", "--fault", "exception=4,segfault=2,exit=1,hang=1")
QUICK = ("--session-timeout", "2", "--stable-after", "1")
AUTOHEALER = (sys.executable, "-m", "autohealer")
BLANK = "&#160;"
TEXT = re.compile(
    r'x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="(?P<length>[\d.]+)"(?P<rest>[^>]*)'
    r">(?P<blanks>(?:&#160;)+)(?P<text>[^<]+)<"
)
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Live through it, draw it."""
    parser = argparse.ArgumentParser(description="Draw docs/dashboard.svg.")
    parser.add_argument("--seconds", type=float, default=60.0, help="How long the pool is to live.")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as state:
        environ = {**os.environ, "AUTOHEALER_STATE_DIR": state}
        agent = subprocess.Popen(
            [*AUTOHEALER, "run", str(WORKERS), "--no-dashboard", *QUICK, "--", *FLAKY],
            env=environ, cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            scene = live(seconds, environ)
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait()
    target = ROOT / "docs" / "dashboard.svg"
    target.write_text(svg(scene))
    sys.stdout.write(f"{target}: {scene.history.deaths} deaths, {scene.history.heals} heals\n")


def live(seconds: float, environ: dict[str, str]) -> Scene:
    """Look at the pool until the time is over; how it is then."""
    meter, end = Meter(), time.monotonic() + seconds
    while True:
        time.sleep(LOOK_S)
        status = json.loads(ask(["status", "--json"], environ) or "null")
        if status is None:  # it has only just been started
            continue
        usage = meter.measure(worker["pid"] for worker in status["workers"] if worker["pid"] is not None)
        if time.monotonic() >= end:
            break
    history = History()
    for line in ask(["events", "--json"], environ).splitlines():
        history.take(json.loads(line))
    return Scene(of_status(status, status["leader"]), history, Controls(), time.time(), usage)


def ask(command: list[str], environ: dict[str, str]) -> str:
    """What the command line says, as any user could ask it."""
    return subprocess.run([*AUTOHEALER, *command], env=environ, cwd=ROOT, capture_output=True, text=True).stdout  # noqa: PLW1510


def svg(scene: Scene) -> str:
    """The screen as a picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, _environ={})
    console.print(frame(scene, WIDTH, HEIGHT), end="")
    command = f"autohealer run {WORKERS} -- python {' '.join(FLAKY[1:])}"
    drawn = console.export_svg(title=command, unique_id="dashboard")
    # The picture fetches nothing from anywhere: the reader's own monospaced font will do.
    drawn = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return TEXT.sub(_moved, drawn)


def _moved(match: re.Match[str]) -> str:
    """The text without the blanks before it, where it stood behind them: some viewers swallow blanks."""
    x, length, blanks, text = float(match["x"]), float(match["length"]), match["blanks"].count(BLANK), match["text"]
    taken = length * blanks / (blanks + len(html.unescape(text)))
    return f'x="{x + taken:g}" y="{match["y"]}" textLength="{length - taken:g}"{match["rest"]}>{text}<'


if __name__ == "__main__":
    main()

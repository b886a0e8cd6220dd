#!/usr/bin/env python3
"""Draw docs/dashboard.svg: a real pool of flaky workers, lived through for a while, as the dashboard of `run` shows it.

Run it from anywhere, with the project installed: python docs/make_picture.py [--seconds 90]
"""

from __future__ import annotations

import argparse
import asyncio
import html
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autohealer.runtime.state_dir import StateDir
from autohealer.tui.agent_source import AgentSource
from autohealer.tui.app import Dashboard

SIZE = (118, 36)
WORKERS = 10
LOOK_S = 0.2
FLAKY = ("-m", "flaky_worker", "--mean-life", "20", "--fault", "segfault=2,exit=4,hang=1")
QUICK = ("--session-timeout", "2", "--stable-after", "1")
BLANK = "&#160;"
TEXT = re.compile(
    r'x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="(?P<length>[\d.]+)"(?P<rest>[^>]*)'
    r">(?P<blanks>(?:&#160;)+)(?P<text>[^<]+)<"
)
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Live through it, draw it."""
    parser = argparse.ArgumentParser(description="Draw docs/dashboard.svg.")
    parser.add_argument("--seconds", type=float, default=90.0, help="How long the pool is to live.")
    seconds = parser.parse_args().seconds
    target = ROOT / "docs" / "dashboard.svg"
    with tempfile.TemporaryDirectory() as folder:
        agent = subprocess.Popen(
            [sys.executable, "-m", "autohealer", "run", str(WORKERS), "--no-dashboard", *QUICK, "--",
             sys.executable, *FLAKY],
            env={**os.environ, "AUTOHEALER_STATE_DIR": folder}, cwd=ROOT, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        state = StateDir(Path(folder), "default")
        try:
            while not state.socket_path.exists():
                time.sleep(LOOK_S)
            target.write_text(asyncio.run(live(state, seconds)))
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait()
    sys.stdout.write(f"{target}\n")


async def live(state: StateDir, seconds: float) -> str:
    """Look at the pool for so long; the last picture."""
    app = Dashboard(AgentSource(state), folder=state, leaves=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "down")
        await asyncio.sleep(seconds)
        return svg(app.export_screenshot(title=f"autohealer run {WORKERS} -- python {' '.join(FLAKY)}"))


def svg(drawn: str) -> str:
    """The picture fetches nothing from anywhere: the reader's own monospaced font will do."""
    drawn = re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return TEXT.sub(_moved, drawn)


def _moved(match: re.Match[str]) -> str:
    """The text without the blanks before it, where it stood behind them: some viewers swallow blanks."""
    x, length, blanks, text = float(match["x"]), float(match["length"]), match["blanks"].count(BLANK), match["text"]
    taken = length * blanks / (blanks + len(html.unescape(text)))
    return f'x="{x + taken:g}" y="{match["y"]}" textLength="{length - taken:g}"{match["rest"]}>{text}<'


if __name__ == "__main__":
    main()

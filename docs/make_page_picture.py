#!/usr/bin/env python3
"""Take docs/page.png: the page of a real pool of flaky workers, lived through for a while, in headless Chromium.

Run it from anywhere, with the project and its dev extra installed: python docs/make_page_picture.py [--seconds 240]
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.browser import Browser, Tab  # noqa: E402 - only now can it be found
from tests.support.processes import eventually  # noqa: E402 - only now can it be found

WIDTH, HEIGHT, SCALE = 1280, 1180, 1.25
WORKERS = 20
FLAKY = (sys.executable, "-m", "flaky_worker", "--mean-life", "60", "--fault", "exception=4,segfault=2,exit=1,hang=1")
AUTOHEALER = (sys.executable, "-m", "autohealer", "run", str(WORKERS), "--session-timeout", "2", "--no-dashboard")


def main() -> None:
    """Live through it, look at it."""
    parser = argparse.ArgumentParser(description="Take docs/page.png.")
    parser.add_argument("--seconds", type=float, default=240.0, help="How long the pool is to live.")
    parser.add_argument("--dark", action="store_true", help="In dark colours.")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "page.png", help="Where the picture goes.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Browser(Path(folder)) as browser:
        said = Path(folder) / "said"
        with said.open("w") as file:
            agent = subprocess.Popen(
                [*AUTOHEALER, "--http", "127.0.0.1:0", "--", *FLAKY],
                env={**os.environ, "AUTOHEALER_STATE_DIR": f"{folder}/state"},
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=file,
            )  # fmt: skip
        try:
            url = eventually(lambda: re.findall(r"http://\S+", said.read_text()), 30.0, "the page")
            with browser.open(url[0], width=WIDTH, height=HEIGHT, dark=options.dark, scale=SCALE) as tab:
                live(tab, options.seconds)
                options.to.write_bytes(tab.screenshot())
                summary = tab.text("#summary")
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait()
    sys.stdout.write(f"{options.to}: {summary}\n")


def live(tab: Tab, seconds: float) -> None:
    """Until the time is over, and then until the next heal."""
    time.sleep(seconds)
    before = tab.text("#summary")
    eventually(lambda: tab.text("#summary") != before, 60.0, "another heal")
    eventually(lambda: "all as wanted" in tab.text("#sentence"), 60.0, "all as wanted")


if __name__ == "__main__":
    main()

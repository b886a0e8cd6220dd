"""Draws docs/dashboard.svg: what `autohealer run` shows after half a minute with workers that fail. Needs tmux.

python docs/make_picture.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, SECONDS = 100, 30, 30
COMMAND = "autohealer run 10 -- python flaky_worker/flaky_worker.py --mean-life 15"


def main() -> None:
    """Run it on a terminal of its own, photograph that, and end it."""
    with tempfile.TemporaryDirectory() as state:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        tmux = ["tmux", "-L", "picture", "-f", os.devnull]
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        command = f"env PATH={path} AUTOHEALER_STATE_DIR={state} TERM=xterm-256color {COMMAND}"
        subprocess.run([*tmux, "new-session", "-d", *size, command], cwd=ROOT, check=True)
        try:
            time.sleep(SECONDS)
            shot = subprocess.run(
                [*tmux, "capture-pane", "-p", "-e"], capture_output=True, text=True, check=True
            ).stdout
            subprocess.run([*tmux, "send-keys", "q"], check=True)
            while subprocess.run([*tmux, "has-session"], capture_output=True, check=False).returncode == 0:
                time.sleep(0.1)
        finally:
            subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    for line in shot.rstrip().splitlines():
        console.print(Text.from_ansi(line), overflow="crop", no_wrap=True)
    svg = console.export_svg(title="autohealer run 10 -- python flaky_worker.py", unique_id="dashboard")
    # A picture needs no network: without the fonts that rich names, the reader's own fixed-width one is taken.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "dashboard.svg").write_text(svg)


if __name__ == "__main__":
    main()

"""The owner of a watchdog, for tests that kill or freeze it: ``owner STOP_IN KILL_IN SCRIPT``.

Once its watchdog is ready, it tells it those moments, then starts ``SCRIPT`` in bash, with the marker that its own
environment names, and writes its watchdog's pid.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

from autohealer.processes.watchdog.owner import Watchdog, WatchdogCallbacks, now

VARIABLE = "OWNER_OF"


async def main(stop_in: float, kill_in: float, script: str) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    marker = {"AUTOHEALER_AGENT": os.environ[VARIABLE]}
    watchdog = Watchdog(loop, marker, signal.SIGTERM, WatchdogCallbacks(ready.set, lambda: None))
    watchdog.start()
    await ready.wait()
    began = now()
    watchdog.extend(began + stop_in, began + kill_in)
    start(script, {**os.environ, **marker})
    os.write(1, f"watchdog {watchdog.pid}\n".encode())
    await asyncio.Event().wait()


def start(script: str, environ: dict[str, str]) -> None:
    subprocess.Popen(["bash", "-c", script], env=environ, start_new_session=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))

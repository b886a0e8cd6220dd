"""Is the host short of CPU? Then a worker that does not answer in time may only have had no turn."""

from __future__ import annotations

from autohealer.processes.tree import procfs

HIGH_PERCENT = 50.0
_PATH = "/proc/pressure/cpu"


def is_high(path: str = _PATH) -> bool:
    """Did some process wait for a CPU for half of the last ten seconds? False where the kernel does not tell."""
    first_line = (procfs.read_file(path, 512) or b"").partition(b"\n")[0]
    for word in first_line.split():
        name, _, value = word.partition(b"=")
        if name == b"avg10":
            try:
                return float(value) >= HIGH_PERCENT
            except ValueError:
                return False
    return False

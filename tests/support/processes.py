"""Real processes in tests: started, waited for, and ended with all that came of them."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MARK = "TEST_PROCESSES_OF"
POLL_S = 0.01

T = TypeVar("T")


def eventually(probe: Callable[[], T], timeout: float = 20.0, what: str = "") -> T:
    """The first true answer of ``probe``, asked again and again; fails with its last answer at the deadline."""
    deadline = time.monotonic() + timeout
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or probe}; at last: {answer!r}")
        time.sleep(POLL_S)
    return answer


class Processes:
    """What one test starts, in a directory of its own.

    A mark in the environment is handed down to every descendant, so that none can outlive the test: neither one
    whose parent is gone, nor one in a session of its own.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self._mark = secrets.token_hex(8)
        self._started: list[subprocess.Popen[str]] = []

    @property
    def mark(self) -> bytes:
        """The variable that all descendants bear."""
        return f"{MARK}={self._mark}".encode()

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment that started processes get: this one's, less what would steer them from outside."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOHEALER_", "FLAKY_", "PYTEST_"))}
        kept["PATH"] = f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}"
        own = {"AUTOHEALER_STATE_DIR": str(self.state_dir), MARK: self._mark}
        return kept | own | dict(extra or {})

    def start(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        output: str = "output",
    ) -> subprocess.Popen[str]:
        """Start ``command``; what it writes goes to the file ``output`` (see ``read``)."""
        with (self.directory / output).open("ab") as file:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=self.environment(env),
                cwd=cwd,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def autohealer(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, output: str = "output"
    ) -> subprocess.Popen[str]:
        """Start the command line that users type."""
        return self.start(BIN / "autohealer", *arguments, env=env, output=output)

    def run(
        self,
        *command: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``command`` to its end, with its output apart from its errors."""
        return subprocess.run(
            [str(part) for part in command],
            env=self.environment(env),
            cwd=cwd,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    def run_autohealer(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line that users type to its end."""
        return self.run(BIN / "autohealer", *arguments, env=env, timeout=timeout)

    def read(self, output: str = "output") -> str:
        """What has been written to ``output`` so far."""
        return (self.directory / output).read_text(errors="replace")

    def alive(self) -> list[int]:
        """The processes that carry this test's mark, however they came to be. Zombies are not among them."""
        return [pid for pid in _all_pids() if self.mark in _environment_of(pid) and pid != os.getpid()]

    def end(self) -> None:
        """SIGKILL everything that is left, and what it still manages to start."""
        while left := self.alive():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.kill()  # one that is in the middle of exec had no environment to be found by
            process.wait()


def command_line(pid: int) -> list[str]:
    """The arguments of a living process; none once it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return []


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment_of(pid: int) -> list[bytes]:
    with suppress(OSError):  # gone, or another user's
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []

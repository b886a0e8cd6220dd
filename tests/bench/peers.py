"""The supervisors: for each its configuration, its command line, and how it is stopped."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.bench.build import Programs

DEBIAN = ("dpkg-query", "--show", "--showformat=${Version}")


class Peer(ABC):
    """One that keeps ``count`` processes of ``worker``. It works in ``folder`` in the foreground, and ends by TERM."""

    name: ClassVar[str]
    program: ClassVar[str]
    note: ClassVar[str] = ""
    most: ClassVar[int] = 500
    """With more workers it is not measured, to save time."""
    looks_every_s: ClassVar[float] = 0.0
    backs_off: ClassVar[bool] = True
    """Whether it waits before it starts again what ends at once."""
    says_version: ClassVar[tuple[str, ...]] = ()
    """The command that says which one it is, in its first line."""

    def __init__(self, folder: Path, count: int, worker: list[str], programs: Programs) -> None:
        self.folder, self.count, self.worker, self.programs = folder, count, worker, programs
        self.environment = dict(os.environ)

    @classmethod
    def is_here(cls) -> bool:
        """Whether it is installed."""
        return shutil.which(cls.program) is not None

    @classmethod
    def version(cls) -> str:
        """As it says itself."""
        done = subprocess.run(cls.says_version, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
        return done.stdout.partition("\n")[0].strip()

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it. Configuration files are written here, too."""

    def pid(self, started: int) -> int:
        """Its process; another one than was started where it goes to the background."""
        return started

    def stop(self, pid: int) -> None:
        """Ask it to end with all its workers; does not wait."""
        os.kill(pid, signal.SIGTERM)

    def _write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def _services(self) -> str:
        """A folder of services, each with a script ``run``: what runit, s6 and daemontools watch."""
        for number in range(self.count):
            script = self._write(f"services/w{number}/run", f"#!/bin/sh\nexec {shlex.join(self.worker)}\n")
            Path(script).chmod(0o755)
        return str(self.folder / "services")

    def _quietly(self, *command: str) -> None:
        subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, check=False, timeout=60)


class Floor(Peer):
    """The least in C."""

    name, program, note = "floor (C)", "cc", "waitpid and vfork, nothing else"
    most, backs_off, says_version = 1000, False, ("cc", "--version")

    def command(self) -> list[str]:
        return [str(self.programs.floor), str(self.count), *self.worker]


class PyFloor(Peer):
    """The least in Python."""

    name, program, note = "floor (Python)", "python3", "pidfds, epoll and posix_spawn, nothing else"
    most, backs_off, says_version = 1000, False, (sys.executable, "--version")

    def command(self) -> list[str]:
        return [sys.executable, str(self.programs.py_floor), str(self.count), *self.worker]


class Autohealer(Peer):
    """This project, as it is in this environment."""

    name, program = "autohealer", sys.executable
    says_version = ("git", "describe", "--always", "--dirty")
    most = 1000
    options: tuple[str, ...] = ()

    def command(self) -> list[str]:
        autohealer = str(Path(sys.executable).with_name("autohealer"))
        return [
            *(autohealer, "run", str(self.count), "--no-dashboard"),
            *("--state-dir", str(self.folder / "state"), *self.options, "--", *self.worker),
        ]


class Supervisord(Peer):
    """supervisord, with nothing that throttles it."""

    name, program, looks_every_s = "supervisord", "supervisord", 1.0
    note = "startsecs = 0, autorestart = true"
    says_version = ("supervisord", "--version")

    def command(self) -> list[str]:
        path = self._write(
            "supervisord.conf",
            f"[supervisord]\nnodaemon = true\nlogfile = {self.folder}/log\npidfile = {self.folder}/pid\n"
            f"childlogdir = {self.folder}\n"
            f"[program:w]\ncommand = {shlex.join(self.worker)}\nprocess_name = %(process_num)d\n"
            f"numprocs = {self.count}\nstartsecs = 0\nautorestart = true\n",
        )
        return ["supervisord", "-c", path]


class Circus(Peer):
    """circus, looking at its processes ten times a second instead of once in five."""

    name, program, looks_every_s, note = "circus", "circusd", 0.1, "check_delay = 0.1"
    says_version = ("circusd", "--version")

    def command(self) -> list[str]:
        path = self._write(
            "circus.ini",
            f"[circus]\ncheck_delay = 0.1\nendpoint = ipc://{self.folder}/endpoint\n"
            f"pubsub_endpoint = ipc://{self.folder}/pubsub\n"
            f"[watcher:w]\ncmd = {self.worker[0]}\nargs = {shlex.join(self.worker[1:])}\n"
            f"numprocesses = {self.count}\n",
        )
        return ["circusd", path]


class Pm2(Peer):
    """pm2, which goes to the background."""

    name, program, note = "pm2", "pm2", "min_uptime = 0, max_restarts = 10^9"
    most = 100

    @classmethod
    def version(cls) -> str:
        """Without running it, which would leave a daemon behind."""
        package = Path(shutil.which("pm2") or "").resolve().parents[1] / "package.json"
        return str(json.loads(package.read_text())["version"])

    def command(self) -> list[str]:
        self.environment["PM2_HOME"] = str(self.folder / "pm2")
        app = {
            "name": "w",
            "script": self.worker[0],
            "args": self.worker[1:],
            "instances": self.count,
            "exec_mode": "fork",
            "interpreter": "none",
            "min_uptime": 0,
            "max_restarts": 10**9,
        }
        return ["pm2", "start", self._write("ecosystem.json", json.dumps({"apps": [app]}))]

    def pid(self, started: int) -> int:
        path = self.folder / "pm2" / "pm2.pid"
        return int(path.read_text()) if path.exists() and path.read_text() else started

    def stop(self, pid: int) -> None:
        self._quietly("pm2", "kill")


class Runit(Peer):
    """runsvdir."""

    name, program = "runit", "runsvdir"
    says_version = (*DEBIAN, "runit")
    note = "waits a second before it restarts what lived for less"

    def command(self) -> list[str]:
        return ["runsvdir", "-P", self._services()]

    def stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGHUP)


class S6(Peer):
    """s6-svscan."""

    name, program = "s6", "s6-svscan"
    says_version = (*DEBIAN, "s6")
    note = "waits a second before it restarts what lived for less"

    def command(self) -> list[str]:
        return ["s6-svscan", "-c", str(self.count + 8), self._services()]


class Daemontools(Peer):
    """svscan."""

    name, program = "daemontools", "svscan"
    says_version = (*DEBIAN, "daemontools")
    note = "waits a second before it restarts what lived for less"

    def command(self) -> list[str]:
        return ["svscan", self._services()]

    def stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        self._quietly("svc", "-dx", *(str(path) for path in (self.folder / "services").iterdir()))


PEERS: dict[str, type[Peer]] = {
    peer.name: peer for peer in (Floor, PyFloor, Autohealer, Daemontools, Runit, Pm2, S6, Supervisord, Circus)
}

"""What a Dockerfile makes, where there is no engine: its own instructions, carried out in a root beside this one.

The root is this host's, under a layer of its own (overlayfs) that takes all that is written; what the base image would
bring is a new virtual environment, first on the path. A container is a process 1 in a process namespace of its own, in
that root, as the image's user, with the image's environment and nothing else. Needs root, and a kernel that allows it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import Processes, eventually

BASE_PYTHON = "/opt/base-image"
STEP_S = 300.0
# As the engine: the layer over this root, a /proc of the new namespace, then the command in the place of this shell.
ENTER = (
    'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root" && '
    'mount --bind /dev "$0/root/dev" && mount -t proc proc "$0/root/proc" && exec chroot "$0/root" "$@"'
)


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with its arguments; lines that go on in the next one are joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def reason_not_to() -> str:
    """Why no root can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can make a root"
    missing = [name for name in ("unshare", "setpriv", "chroot", "useradd") if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


@dataclass
class Image:
    """``build`` carries out the instructions; ``command`` is what a container's process 1 is then."""

    folder: Path
    user: str = "root"
    workdir: str = "/"
    environ: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    cmd: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.environ = {"PATH": f"{BASE_PYTHON}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)

    def build(self, dockerfile: Path, context: Path) -> None:
        """Raises AssertionError where a step fails, and for an instruction that is not known here."""
        for word, rest in instructions(dockerfile.read_text()):
            match word:
                case "FROM":
                    self._from()
                case "WORKDIR":
                    self.workdir = rest
                    self._outside(rest).mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(context, *rest.split())
                case "RUN":
                    self._run("/bin/sh", "-c", rest)
                case "USER":
                    self.user = rest
                case "ENV":
                    name, _, value = rest.partition("=")
                    self.environ[name] = value
                case "ENTRYPOINT":
                    self.entrypoint = json.loads(rest)
                case "CMD":
                    self.cmd = json.loads(rest)
                case _:
                    raise AssertionError(f"not known here: {word} {rest}")

    def container(self, processes: Processes, *cmd: str, output: str = "container") -> subprocess.Popen[str]:
        """As ``docker run IMAGE CMD``; what it prints goes to ``output``."""
        words = self._inside(*self.entrypoint, *(cmd or self.cmd), extra=[processes.mark.decode()])
        return processes.start(*words, output=output)

    def first(self, container: subprocess.Popen[str]) -> int:
        """The pid, outside, of the container's process 1, once it is what the image says."""

        def found() -> list[int]:
            children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
            return [int(pid) for pid in children if b"autohealer" in Path(f"/proc/{pid}/cmdline").read_bytes()]

        return eventually(found, 30.0, "process 1")[0]

    # ---- instructions

    def _from(self) -> None:
        python = Path(sys.base_prefix) / "bin" / "python3"
        # This host's Python may be where only its owner can go; in the image everybody may.
        for parent in python.parents:
            self._run("chmod", "a+rx", str(parent))
        self._run(str(python), "-m", "venv", BASE_PYTHON)

    def _copy(self, context: Path, *words: str) -> None:
        *sources, to = words
        target = self._outside(os.path.join(self.workdir, to))  # an absolute one wins
        for source in sources:
            path = context / source
            if path.is_dir():
                shutil.copytree(path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, target)

    def _run(self, *words: str) -> None:
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        extra = [f"{name}={value}" for name, value in pip.items()]
        done = subprocess.run(
            self._inside(*words, extra=extra), capture_output=True, text=True, check=False, timeout=STEP_S
        )
        if done.returncode:
            raise AssertionError(f"{words}: {done.returncode}: {done.stdout[-1000:]} {done.stderr[-2000:]}")

    # ---- how

    def _outside(self, path: str) -> Path:
        return self.folder / "upper" / path.lstrip("/")

    def _inside(self, *words: str, extra: Sequence[str] = ()) -> list[str]:
        """The command that runs these words in the root, as process 1 of a namespace that ends with it."""
        environ = [f"{name}={value}" for name, value in self.environ.items()]
        home = "/root" if self.user == "root" else f"/home/{self.user}"
        who = ["setpriv", "--reuid", self.user, "--regid", self.user, "--init-groups"] if self.user != "root" else []
        as_in_image = ["env", "-i", f"--chdir={self.workdir}", f"HOME={home}", *environ, *extra, *words]
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"),
            *("sh", "-c", ENTER, str(self.folder), *who, *as_in_image),
        ]


def stop(first: int) -> None:
    """What ``docker stop`` sends at first."""
    os.kill(first, signal.SIGTERM)

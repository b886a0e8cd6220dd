"""``docs/Dockerfile``: its own instructions, carried out without an engine, and its container from start to end.

What is not shown here is the base image, and the engine itself.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.image import Image, instructions, reason_not_to, stop
from tests.support.processes import ROOT, Processes, command_line, eventually

DOCKERFILE = ROOT / "docs" / "Dockerfile"
PATIENCE_S = 300.0

needs_a_root = pytest.mark.skipif(bool(reason_not_to()), reason=reason_not_to())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    made = Image(tmp_path_factory.mktemp("image") / "layers")
    made.build(DOCKERFILE, ROOT)
    return made


@pytest.fixture
def container(image: Image, processes: Processes) -> Iterator[subprocess.Popen[str]]:
    """The container that the image makes as it is."""
    started = image.container(processes)
    yield started
    started.kill()
    started.wait()


def workers(first: int) -> list[int]:
    """The processes below process 1 that run the image's worker."""
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [int(pid) for pid in children if any("flaky_worker.py" in word for word in command_line(int(pid)))]


def test_it_copies_what_the_build_needs_and_its_base_is_a_python_that_we_support() -> None:
    said = instructions(DOCKERFILE.read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    copied = {word for name, rest in said if name == "COPY" for word in rest.split()[:-1]}

    assert all((ROOT / name).exists() for name in copied)
    assert {project["readme"], "pyproject.toml", "autohealer"} <= copied
    (base,) = [rest for name, rest in said if name == "FROM"]
    theirs, ours = re.fullmatch(r"python:3\.(\d+)-slim", base), re.fullmatch(r">=3\.(\d+)", project["requires-python"])
    assert theirs is not None
    assert ours is not None
    assert int(theirs[1]) >= int(ours[1])
    assert [name for name, _ in said][-2:] == ["ENTRYPOINT", "CMD"]


@needs_a_root
@pytest.mark.timeout(PATIENCE_S)
def test_ten_workers_run_below_process_1_and_are_healed(
    image: Image, container: subprocess.Popen[str], processes: Processes
) -> None:
    """As another user than root, and what workers say is what the container says."""
    first = image.first(container)
    former = eventually(lambda: found if len(found := workers(first)) == 10 else [], 60)

    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{first}/status").read_text().splitlines())
    assert status["NSpid"].split()[-1] == "1"
    assert status["Uid"].split()[0] != "0"
    os.kill(former[3], signal.SIGKILL)
    eventually(lambda: len(found := workers(first)) == 10 and former[3] not in found, 60)
    assert "worker" in processes.read("container")


@needs_a_root
@pytest.mark.timeout(PATIENCE_S)
def test_process_1_reaps_what_others_orphan(image: Image, container: subprocess.Popen[str]) -> None:
    """What ``docker exec`` runs is no child of it, but what that leaves behind becomes one."""
    first = image.first(container)
    eventually(lambda: len(workers(first)) == 10, 60)
    words = ["nsenter", "--target", str(first), "--pid", "--mount", "--root", "sh", "-c", "(sleep 0.3 & echo $!)"]
    inner = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    def is_gone() -> bool:
        """Nor is it a zombie: these have an entry in /proc."""
        return not Path(f"/proc/{first}/root/proc/{inner}").exists()

    assert inner.isdecimal()
    eventually(is_gone)
    assert container.poll() is None


@needs_a_root
@pytest.mark.timeout(PATIENCE_S)
def test_docker_stop_ends_all_in_order(image: Image, container: subprocess.Popen[str], processes: Processes) -> None:
    """With exit code 0, and nothing is left."""
    first = image.first(container)
    eventually(lambda: len(workers(first)) == 10, 60)
    stop(first)

    assert container.wait(60) == 0
    assert processes.alive() == []


@needs_a_root
@pytest.mark.timeout(PATIENCE_S)
def test_it_ends_with_4_once_all_workers_have_failed(image: Image, processes: Processes) -> None:
    """So that the platform hears of it."""
    container = image.container(processes, "2", "--max-failures", "1", "--", "false")

    assert container.wait(60) == 4
    assert processes.alive() == []

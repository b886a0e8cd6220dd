"""The state directory: where it is, who may look in, and one agent for each pool."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autohealer.errors import AlreadyRunningError, UsageError
from autohealer.runtime.state_dir import StateDir, base_directory, pools_running
from tests.support.processes import Processes, eventually

HOLD = """
import subprocess, sys, time
from pathlib import Path
from autohealer.runtime.state_dir import StateDir
state = StateDir(Path(sys.argv[1]), "p")
state.create()
state.lock()
worker = subprocess.Popen(["sleep", "600"])
print("worker", worker.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], StateDir]:
    def made(pool: str) -> StateDir:
        state = StateDir(tmp_path / "base", pool)
        state.create()
        return state

    return made


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        (Path("/a"), {"AUTOHEALER_STATE_DIR": "/b", "XDG_STATE_HOME": "/c"}, "/a"),
        (None, {"AUTOHEALER_STATE_DIR": "/b", "XDG_STATE_HOME": "/c"}, "/b"),
        (None, {"XDG_STATE_HOME": "/c"}, "/c/autohealer"),
        (None, {"XDG_STATE_HOME": "relative"}, str(Path.home() / ".local/state/autohealer")),
        (None, {}, str(Path.home() / ".local/state/autohealer")),
        (Path("here"), {}, str(Path.cwd() / "here")),
    ],
)
def test_the_first_that_is_named_holds(option: Path | None, environ: dict[str, str], expected: str) -> None:
    assert base_directory(option, environ) == Path(expected)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a b", "x" * 65, "ä", "a\n"])
def test_a_pool_has_a_plain_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        StateDir(tmp_path, name)


def test_nobody_else_may_look_in(tmp_path: Path) -> None:
    os.umask(before := os.umask(0))
    os.umask(0)
    try:
        state = StateDir(tmp_path / "deep" / "base", "p")
        state.create()
        state.lock()
        listener = state.listen_control()
    finally:
        os.umask(before)

    with listener:
        for path in (state.base, state.path, state.output_dir, state.journal_dir):
            assert path.stat().st_mode & 0o777 == 0o700, path
        for path in (state.lock_path, state.socket_path):
            assert path.stat().st_mode & 0o777 == 0o600, path
    state.unlock()


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir(mode=0o755)

    StateDir(tmp_path, "p").create()

    assert (tmp_path / "p").stat().st_mode & 0o777 == 0o700


def test_a_file_in_its_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="cannot use the state directory") as caught:
        StateDir(tmp_path / "file", "p").create()

    assert "--state-dir" in caught.value.hint


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "p").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UsageError, match="Not a directory"):
        StateDir(tmp_path, "p").create()


def test_a_second_lock_says_who_holds_it(make: Callable[[str], StateDir]) -> None:
    first, second = make("p"), make("p")
    first.lock()

    with pytest.raises(AlreadyRunningError, match=f"pid {os.getpid()}") as caught:
        second.lock()

    assert "autohealer status" in caught.value.hint
    first.unlock()
    second.lock()
    second.unlock()


def test_each_pool_has_a_lock_of_its_own(make: Callable[[str], StateDir], tmp_path: Path) -> None:
    states = [make(pool) for pool in ("b", "a", "idle")]
    states[0].lock()
    states[1].lock()

    assert pools_running(tmp_path / "base") == ["a", "b"]
    assert [state.is_locked() for state in states] == [True, True, False]
    assert pools_running(tmp_path / "missing") == []
    for state in states:
        state.unlock()
    assert pools_running(tmp_path / "base") == []


def test_the_lock_ends_with_the_agent_though_workers_live(processes: Processes, tmp_path: Path) -> None:
    agent = processes.start(sys.executable, "-c", HOLD, tmp_path / "base")
    eventually(lambda: "worker" in processes.read())
    worker = int(processes.read().split()[1])
    state = StateDir(tmp_path / "base", "p")
    assert state.is_locked()
    assert state.holder_pid() == agent.pid

    agent.kill()
    agent.wait()

    assert not state.is_locked()
    assert worker in processes.alive()


def test_the_control_socket_works_however_deep_the_folder(tmp_path: Path) -> None:
    state = StateDir(tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6), "p")
    state.create()

    for _ in range(2):  # the second time, the first one's file is in the way
        with state.listen_control() as listener, state.connect_control(5) as client:
            accepted, _ = listener.accept()
            with accepted:
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                assert accepted.recv(10) == b"hello"


def test_no_agent_answers_where_none_listens(make: Callable[[str], StateDir]) -> None:
    with pytest.raises(FileNotFoundError):
        make("p").connect_control(1)


def test_an_unwritable_directory_is_one_clear_error(tmp_path: Path) -> None:
    """As an ordinary user, since no directory is unwritable to root."""
    tmp_path.chmod(0o777)
    (tmp_path / "closed").mkdir(mode=0o555)
    code = (
        "import os, sys; from pathlib import Path; from autohealer.runtime.state_dir import StateDir\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: StateDir(Path(sys.argv[1]), 'p').create()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    if os.getuid() == 0:
        for parent in (tmp_path.parent, tmp_path.parent.parent):
            parent.chmod(0o755)

    done = subprocess.run([sys.executable, "-c", code, tmp_path / "closed"], check=True, capture_output=True, text=True)

    assert done.stdout.startswith("UsageError cannot use the state directory")

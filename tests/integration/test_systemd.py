"""The unit that is printed, and the agent under something that it tells how it stands."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.support.processes import BIN, Processes, eventually


@pytest.mark.parametrize(
    "arguments",
    [
        ("3", "--", "sleep", "1000"),
        (
            "2",
            "--pool",
            "web",
            "--drain-timeout",
            "1m",
            "--",
            "sh",
            "-c",
            'echo "100% of $HOME; it\'s {slot}"; sleep 60',
        ),
    ],
)
def test_systemd_takes_it(processes: Processes, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Whatever is in the command."""
    answer = processes.run_autohealer("systemd-unit", *arguments)
    assert answer.returncode == 0, answer
    unit = tmp_path / "pool.service"
    unit.write_text(answer.stdout)
    for line in ("Type=notify", "KillMode=process", "Restart=on-failure", "RestartForceExitStatus=7", "WatchdogSec=30"):
        assert line in answer.stdout.splitlines()
    assert f"ExecStart={BIN / 'autohealer'} run {arguments[0]}" in answer.stdout
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    verdict = processes.run("systemd-analyze", "verify", str(unit))
    assert verdict.returncode == 0, verdict
    assert "pool.service" not in verdict.stderr, verdict.stderr


def test_a_file_by_its_whole_path(processes: Processes, tmp_path: Path) -> None:
    """A service begins elsewhere."""
    (tmp_path / "pools.toml").write_text('[pools.web]\ncommand = "sleep 1"\nworkers = 1\ndrain-timeout = 100\n')
    answer = processes.run(BIN / "autohealer", "systemd-unit", "--config", "pools.toml", cwd=tmp_path)
    assert f"run --config {tmp_path / 'pools.toml'}\n" in answer.stdout
    assert "TimeoutStopSec=120\n" in answer.stdout
    assert processes.run_autohealer("systemd-unit", "--config", tmp_path / "nothing.toml").returncode == 2


def test_an_agent_tells_its_manager_and_no_worker_does(processes: Processes, tmp_path: Path) -> None:
    """READY once it can be asked, STATUS, WATCHDOG, STOPPING."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "1000000"}
        agent = processes.autohealer(
            "run", "1", "--cwd", tmp_path, "--", "sh", "-c", "env >environ; exec sleep 1000", env=environ
        )
        said: list[str] = []

        def heard(what: str) -> bool:
            try:
                while True:
                    said.append(listening.recv(4096).decode())
            except BlockingIOError:
                return any(what in message for message in said)

        eventually(lambda: heard("READY=1"), 60)
        assert processes.run_autohealer("status").returncode in (0, 6)
        eventually(lambda: heard("STATUS=default: 1 of 1 running"), 60)
        assert sum("WATCHDOG=1" in message for message in said) >= 1
        agent.terminate()
        assert agent.wait(60) == 0
        assert heard("STOPPING=1")
    text = (tmp_path / "environ").read_text()
    assert str(path) not in text
    assert "WATCHDOG_USEC" not in text

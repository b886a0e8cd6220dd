"""What can be asked of the command line itself."""

from __future__ import annotations

import sys

import pytest

from autohealer import __version__
from autohealer.cli import COMMANDS
from tests.support.processes import Processes

OPTIONS_OF_RUN = """
--zk --pool --state-dir --session-timeout --connect-timeout --registration --register-grace --start-timeout
--stop-signal --stop-timeout --stable-after --backoff-max --max-failures --env --cwd --port-base --log
--log-max-bytes --json
"""
PRINTS_JSON = ("run", "status", "events")


def test_the_version(processes: Processes) -> None:
    """By the command and by the module alike."""
    for answer in (
        processes.run_autohealer("--version"),
        processes.run(sys.executable, "-m", "autohealer", "--version"),
    ):
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout == f"autohealer, version {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["nothing", "--help"])
def test_all_commands_are_shown(processes: Processes, arguments: tuple[str, ...]) -> None:
    """Each with one line; without an argument as well."""
    answer = processes.run_autohealer(*arguments)
    said = answer.stdout + answer.stderr
    assert "autohealer run 10 -- python worker.py" in said
    for name, summary in COMMANDS.items():
        assert name in said
        assert summary.split(".")[0][:40] in said


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(processes: Processes, command: str) -> None:
    """With an example, and within a terminal of 80 columns."""
    answer = processes.run_autohealer(command, "--help", env={"COLUMNS": "80"})
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"Usage: autohealer {command} ")
    if command != "zk":
        assert f"  autohealer {command}" in answer.stdout
    assert ("--json" in answer.stdout) or command not in PRINTS_JSON


def test_help_of_run_names_all_options(processes: Processes) -> None:
    """Those of the contract, with their defaults."""
    shown = processes.run_autohealer("run", "--help").stdout
    assert [option for option in OPTIONS_OF_RUN.split() if option not in shown] == []
    assert "Usage: autohealer run [OPTIONS] N -- CMD..." in shown

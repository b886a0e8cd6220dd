"""What can be asked of the command line itself; the texts of --help, and the manual pages that are made from them.

After a change of a text on purpose: ``make texts``, and look at the difference.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
import pytest

from autohealer import __version__
from autohealer.cli import COMMANDS, group
from tests.support.processes import ROOT, Processes

TEXTS = Path(__file__).parent / "help"
PAGES = ROOT / "docs" / "man" / "man1"
COLUMNS = 80
OPTIONS_OF_RUN = """
--zk --pool --state-dir --session-timeout --connect-timeout --registration --register-grace --start-timeout
--stop-signal --stop-timeout --stable-after --backoff-max --max-failures --env --cwd --port-base --log
--log-max-bytes --json --config
"""
PRINTS_JSON = ("run", "status", "events", "report", "services", "watch", "elect")


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """This command and all below it."""
    ctx = click.Context(command, parent, name, terminal_width=COLUMNS, max_content_width=COLUMNS)
    yield ctx
    if isinstance(command, click.Group):
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            assert found is not None, f"{ctx.command_path} offers {below}, which is not there"
            yield from contexts(found, below, ctx)


ALL = {ctx.command_path: ctx for ctx in contexts(group, "autohealer")}


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
    assert (answer.returncode, answer.stderr) == (0, "")
    said = answer.stdout
    assert "autohealer run 10 -- python worker.py" in said
    for name, summary in COMMANDS.items():
        assert name in said
        assert summary.split(".")[0][:40] in said


@pytest.mark.parametrize("path", ALL)
def test_help_is_as_it_was(path: str) -> None:
    """Word for word."""
    file = TEXTS / f"{path.replace(' ', '-')}.txt"
    text = ALL[path].command.get_help(ALL[path]) + "\n"
    if os.environ.get("UPDATE_HELP"):
        TEXTS.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.exists(), "there is no copy of this text yet: make texts"
    assert text == file.read_text()


def test_no_text_is_left_of_a_command_that_is_no_more() -> None:
    """Nor a manual page."""
    names = {path.replace(" ", "-") for path in ALL}
    assert {file.stem for file in TEXTS.iterdir()} == names
    assert {file.stem for file in PAGES.iterdir()} == names


@pytest.mark.parametrize("path", ALL)
def test_help_begins_with_an_example(path: str) -> None:
    """One sentence says what the command does, then it is shown."""
    ctx = ALL[path]
    paragraphs = cleandoc(ctx.command.help or "").split("\n\n")
    assert paragraphs[1].startswith("\b\n")
    assert paragraphs[1].splitlines()[1].strip().startswith(path)
    assert paragraphs[0].rstrip().endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(processes: Processes, command: str) -> None:
    """As it is called by people, within a terminal of 80 columns."""
    answer = processes.run_autohealer(command, "--help", env={"COLUMNS": str(COLUMNS)})
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"Usage: autohealer {command} ")
    assert ("--json" in answer.stdout) or command not in PRINTS_JSON


def test_help_of_run_names_all_options(processes: Processes) -> None:
    """Those of the contract, with their defaults."""
    shown = processes.run_autohealer("run", "--help").stdout
    assert [option for option in OPTIONS_OF_RUN.split() if option not in shown] == []
    assert "Usage: autohealer run [OPTIONS] {N -- CMD... | --config FILE}" in shown


def test_the_manual_pages_are_of_these_commands(tmp_path: Path) -> None:
    """What the script writes is what the wheel brings."""
    subprocess.run([sys.executable, str(ROOT / "docs" / "make_man.py"), str(tmp_path)], check=True)
    for file in tmp_path.iterdir():
        assert file.read_text() == (PAGES / file.name).read_text(), f"{file.name} is of another day: make texts"


def test_the_manual_pages_are_understood() -> None:
    """By the program that every ``man`` prints them with, without a word of warning."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.fail("there is no groff: apt-get install groff-base")
    pages = sorted(PAGES.iterdir())
    answer = subprocess.run(
        [groff, "-man", "-Tutf8", "-P-cbou", "-ww", *pages], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    for heading in ("NAME", "SYNOPSIS", "EXAMPLES", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"):
        assert heading in answer.stdout

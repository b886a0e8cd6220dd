"""Each command is two files: what click needs, and one typed function that gets the parameters by their names."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_type_hints

import click
import pytest

from autohealer.cli import group
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.run_command import RunCommand
from autohealer.cli.support.where import WHERE_NAMES
from autohealer.config.schema import FIELDS, Configuration

HEAVY = ("kazoo", "rich", "textual", "aiohttp", "asyncio", "psutil")


def all_commands(of: click.Group) -> Iterator[CliCommand]:
    """Those of this group, and of the groups below it."""
    ctx = click.Context(of)
    for name in of.list_commands(ctx):
        command = of.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from all_commands(command)
        else:
            assert isinstance(command, CliCommand), f"{name} is not made as the others are"
            yield command


COMMANDS = {command.body: command for command in all_commands(group)}


def handed_over(command: CliCommand) -> set[str]:
    """The names of what the function of a command gets."""
    names = {str(parameter.name) for parameter in command.params} | ({command.trailing} - {""})
    if isinstance(command, RunCommand):
        return (names - FIELDS.keys() - {"config"}) | {"configuration"}
    return (names - WHERE_NAMES) | {"where"} if names & WHERE_NAMES else names


@pytest.mark.parametrize("body", COMMANDS)
def test_the_function_takes_what_the_command_has(body: str) -> None:
    """No more and no less, with a type for each, and it gives an exit code."""
    module = import_module(body)
    hints = get_type_hints(module.run, vars(module), {"Configuration": Configuration})
    assert hints.pop("return") is int
    assert hints.keys() == inspect.signature(module.run).parameters.keys(), "each has a type"
    if (struct := hints.pop("given", None)) is not None:
        hints |= get_type_hints(struct, vars(module))

    assert hints.keys() == handed_over(COMMANDS[body])
    assert Any not in hints.values()


@pytest.mark.parametrize("arguments", ["--help", "run --help", "status --help"])
def test_nothing_heavy_is_imported_for_help(arguments: str) -> None:
    """So it is there at once."""
    script = f"""
import sys
from autohealer.cli import main
try:
    main({arguments.split()!r})
except SystemExit:
    print(sorted(set({HEAVY!r}) & sys.modules.keys()))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_garbage_is_collected_from_when_a_command_runs() -> None:
    """Not while it is imported; what is there by then is not looked at again."""
    script = """
import gc, sys
from autohealer import __main__

import autohealer.cli.config.schema as command
def run():
    print(gc.isenabled(), gc.get_freeze_count() > 0)
command.run = run
sys.argv = ["autohealer", "config", "schema"]
__main__.main()
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True", "True"]

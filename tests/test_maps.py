"""The docstring of every package is a true map of it: it names each of its files, and none that is not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from autohealer.cli import COMMANDS, module_name
from autohealer.cli.commands import config, zk
from tests.support.processes import ROOT

PACKAGE = ROOT / "autohealer"
PACKAGES = sorted(init.parent for init in PACKAGE.rglob("__init__.py"))
# Packages of commands have a file for each, by its name; their lists are the map, and tests/cli holds those.
OF_COMMANDS = {
    "cli": COMMANDS,
    "cli/commands": COMMANDS,
    "cli/zk": zk.COMMANDS,
    "cli/commands/zk": zk.COMMANDS,
    "cli/config": config.COMMANDS,
    "cli/commands/config": config.COMMANDS,
}
# A line of a map: a name, then at least two spaces, then what is there.
ENTRY = re.compile(r"^ *(?:- )?`{0,2}([a-z][a-z0-9_]*)`{0,2} {2,}\S", re.MULTILINE)


def name_of(package: Path) -> str:
    return str(package.relative_to(PACKAGE)).removeprefix(".")


def files(package: Path) -> set[str]:
    """The modules and folders in it."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    folders = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    return modules | folders


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_map_is_true(package: Path) -> None:
    there = files(package)
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    commands = {module_name(command) for command in OF_COMMANDS.get(name_of(package), ())}

    missing = {name for name in there - commands if not re.search(rf"(?<![\w.]){name}(?!\w)", docstring)}
    wrong = set(ENTRY.findall(docstring)) - there

    assert missing == set(), "these files are not in the map"
    assert wrong == set(), "these are in the map, and not there"

"""What every file of the code keeps to, whatever it is about."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.processes import ROOT

FOLDERS = ("autohealer", "flaky_worker", "tests", "docs")
SILENCED = re.compile(r"# (?:noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])(?P<rest>.*)")
REASON = re.compile(r"\s+(?:-|#|\()\s*\w+(?:'\w+)?\W+\w")


def sources(*folders: str) -> Iterator[Path]:
    """The files of Python in these folders."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def class_names() -> dict[str, list[str]]:
    """Every class by its name, private and nested ones included; ``_Name`` is no other name than ``Name``."""
    found = defaultdict(list)
    for path in sources("autohealer"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(where(path, node.lineno))
    return found


def test_a_class_name_means_one_thing() -> None:
    twice = {name: places for name, places in class_names().items() if len(places) > 1}

    assert twice == {}


def test_what_a_checker_is_not_to_say_has_its_reason_beside_it() -> None:
    without = [
        where(path, number)
        for path in sources(*FOLDERS)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (silenced := SILENCED.search(line)) is not None and REASON.match(silenced["rest"]) is None
    ]

    assert without == []

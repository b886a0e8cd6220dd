"""A class name means one thing in the whole package."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.support.processes import ROOT


def class_names() -> dict[str, set[str]]:
    """Every class by its name, private and nested ones included; ``_Name`` is no other name than ``Name``."""
    found = defaultdict(set)
    for path in sorted((ROOT / "autohealer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].add(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_a_class_name_means_one_thing() -> None:
    twice = {name: places for name, places in class_names().items() if len(places) > 1}

    assert twice == {}

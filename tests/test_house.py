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


# ---- how much a function is given


MOST_PARAMETERS = 6
MORE = {
    "autohealer/processes/launch/spawn.py:spawn": (7, "on the path of a heal: a Struct for each start would cost time"),
}
"""Functions that are given more: how much, and why it is."""


def parameters() -> Iterator[tuple[str, int]]:
    """Each function of the code, and how many parameters it has besides ``self``."""
    for path in sources("autohealer", "flaky_worker"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                of = node.args
                named = [*of.posonlyargs, *of.args, *of.kwonlyargs, *filter(None, (of.vararg, of.kwarg))]
                count = sum(parameter.arg not in ("self", "cls") for parameter in named)
                yield f"{path.relative_to(ROOT)}:{node.name}", count


def test_no_function_is_given_more_than_can_be_kept_in_mind() -> None:
    more = {name: count for name, count in parameters() if count > MOST_PARAMETERS}

    assert {name: count for name, count in more.items() if count > MORE.get(name, (0, ""))[0]} == {}
    assert MORE.keys() - more.keys() == set(), "few enough now: they need no exception any more"


# ---- what has no type


UNTYPED = re.compile(r"\b(?:[dD]ict|(?:Mutable)?Mapping)\[str, (?:Any|object)\]")
# Objects of JSON, and the like, that are not ours, or not ours any more: where they are, and why they have no type.
FOREIGN = {
    "autohealer/cli/support/command.py": "what click has made of the command line, by the parameters of its function",
    "autohealer/cli/support/options.py": "arguments for click",
    "autohealer/cli/support/run_command.py": "what click has made of the command line, by the schema's fields",
    "autohealer/config/importing/pm2.py": "pm2's file, of which each value is checked where it is used",
    "autohealer/config/kinds.py": "a JSON Schema",
    "autohealer/config/load.py": "a file before it is checked, and values on their way into the schema's Structs",
    "autohealer/config/procfile.py": "a Procfile in the form of a TOML file, before it is checked",
    "autohealer/config/schema.py": "values on their way from the command line into the schema's Structs",
    "autohealer/config/show.py": "values by their keys, on their way into TOML or JSON",
    "autohealer/config/source.py": "a file before it is checked",
    "autohealer/config/toml_file.py": "what tomllib gives",
    "autohealer/coordination/pool/codec.py": "a znode that anybody may have written, before it is checked, and after",
    "autohealer/coordination/session/tls.py": "arguments for kazoo",
    "autohealer/core/notices.py": "a line of any version as it was read, to be handed on so; an event on its way out",
    "autohealer/runtime/agent_process.py": "what asyncio tells of an exception",
    "autohealer/runtime/notifier/sending.py": "an event as it was read, on its way out",
    "autohealer/runtime/reload.py": "values on their way from the command line into the schema's Structs",
    "autohealer/testing/pool.py": "for tests of others: events as `events --json` has them",
    "autohealer/views/reading.py": "a line of any version before it is read",
    "autohealer/views/tolerant.py": "JSON of any version before it is read",
}


def test_what_is_ours_has_a_type() -> None:
    """JSON becomes a Struct where it comes in, and a Struct becomes JSON where it goes out."""
    untyped = {str(path.relative_to(ROOT)) for path in sources("autohealer") if UNTYPED.search(path.read_text())}

    assert untyped - FOREIGN.keys() == set()
    assert FOREIGN.keys() - untyped == set(), "typed now: they need no exception any more"


# ---- how long things are


MOST_LINES = {"a file": 400, "a class": 250, "a function": 60}
MOST_LINES_OF_TESTS = 600
# What is longer: how long it may be, and why it is. It may become shorter, and then stands here no more.
LONGER = {
    "autohealer/config/schema.py": (750, "the list of options, which one looks up in: an entry for each"),
    "autohealer/config/schema.py:PoolOptions": (520, "one table of a file; msgspec makes no Struct of several others"),
}


def lengths() -> Iterator[tuple[str, str, int]]:
    """Each file, class and function of the code: what it is, its name, and its lines."""
    for path in sources("autohealer", "flaky_worker"):
        text, file = path.read_text(), str(path.relative_to(ROOT))
        yield "a file", file, len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                kind = "a class" if isinstance(node, ast.ClassDef) else "a function"
                yield kind, f"{file}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_nothing_is_too_long_to_be_read_in_one_go() -> None:
    longer = {name: lines for kind, name, lines in lengths() if lines > MOST_LINES[kind]}

    assert {name: lines for name, lines in longer.items() if lines > LONGER.get(name, (0, ""))[0]} == {}
    assert LONGER.keys() - longer.keys() == set(), "short enough now: they need no exception any more"


def test_no_file_of_tests_is_too_long() -> None:
    longer = [
        where(path, lines)
        for path in sources("tests")
        if (lines := len(path.read_text().splitlines())) > MOST_LINES_OF_TESTS
    ]

    assert longer == []

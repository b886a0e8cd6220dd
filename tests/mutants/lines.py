"""Which test executes which line of the core, and how long each takes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest

from tests.mutants.subjects import CORE, KNOWN, Mutant, files, tests_digest


@dataclass
class Lines:
    """Of all tests; by their ids."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """By file and line."""

    def reached_by(self, mutant: Mutant) -> list[str]:
        """The tests that execute the changed statement, quick ones first."""
        lines = self.tests.get(str(mutant.file.relative_to(CORE)), {})
        found = {test for line in mutant.mutation.lines for test in lines.get(line, ())}
        return sorted(found, key=lambda test: (self.seconds[test], test))


def recorded(items: list[pytest.Item]) -> None:
    """Run all tests and write down what they reach. For a process of its own: a tracer stays in it."""
    seen, lines = coverage.Coverage(data_file=None, include=[str(CORE / "*")]), Lines()
    seen.start()
    for item in items:
        seen.switch_context(item.nodeid)
        before = time.process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        lines.seconds[item.nodeid] = time.process_time() - before
    seen.stop()
    data = seen.get_data()
    for file in data.measured_files():
        contexts = data.contexts_by_lineno(file)
        lines.tests[str(Path(file).relative_to(CORE))] = {line: names for line, names in contexts.items() if any(names)}
    _file().write_text(json.dumps([lines.seconds, lines.tests]))


def read() -> Lines | None:
    """What was recorded, if it was for the tests and the core as they are."""
    if not _file().exists():
        return None
    seconds, tests = json.loads(_file().read_text())
    return Lines(seconds, {file: {int(line): names for line, names in at.items()} for file, at in tests.items()})


def _file() -> Path:
    stamp = max(file.stat().st_mtime_ns for file in files([]))
    return KNOWN / f"lines-{tests_digest()}-{stamp}.json"

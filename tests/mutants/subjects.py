"""The mutants of the core's files, and what is known of each."""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutants.mutations import Mutation, mutations

ROOT = Path(__file__).parents[2]
CORE = ROOT / "autohealer" / "core"
TESTS = ROOT / "tests" / "core"
KNOWN = ROOT / ".mutants"
SURVIVORS = Path(__file__).parent / "survivors.toml"


@dataclass
class Mutant:
    """One mutation of one file."""

    file: Path
    tree: ast.Module
    mutation: Mutation
    name: str
    digest: str
    """Changes with the text that the mutation is in."""

    @property
    def line(self) -> str:
        """Where it is, and what."""
        return f"{self.file.relative_to(ROOT)}:{self.mutation.lines.start}: {self.name}"


def mutants(files: Iterable[Path]) -> list[Mutant]:
    """All of these files. Two in one function that read the same are told apart by a number."""
    found = []
    for file in files:
        source = file.read_text()
        tree = ast.parse(source)
        names: Counter[str] = Counter()
        for mutation in mutations(tree):
            text = mutation.text
            names[text] += 1
            name = text if names[text] == 1 else f"{text} #{names[text]}"
            function = mutation.scope.function
            part = source if function is None else ast.get_source_segment(source, function) or source
            found.append(Mutant(file, tree, mutation, name, _digest(name, part)))
    return found


def files(wanted: Iterable[str]) -> list[Path]:
    """The core's files whose path has one of these texts in it; all where none is given."""
    texts = list(wanted) or [""]
    return [file for file in sorted(CORE.rglob("*.py")) if any(text in str(file.relative_to(CORE)) for text in texts)]


def explained() -> dict[str, str]:
    """The survivors that stay, with the reason for each."""
    return {name: reason for reason, names in _groups() for name in names}


def _groups() -> list[tuple[str, list[str]]]:
    read = tomllib.loads(SURVIVORS.read_text())
    return [(group["reason"], group["mutants"]) for group in read["survivor"]]


class Book:
    """What came of each mutant that has been tried."""

    def __init__(self) -> None:
        KNOWN.mkdir(exist_ok=True)
        self._path = KNOWN / "results.jsonl"
        self._results: dict[str, str] = {}
        self.read()

    def read(self) -> None:
        """What has been noted until now, by whatever process."""
        if self._path.exists():
            for line in self._path.read_text().splitlines():
                digest, result, tests = json.loads(line)
                # Tests that killed a mutant once do so again; others may have come for one that survived.
                if result == "killed" or tests == tests_digest():
                    self._results[digest] = result

    def result(self, mutant: Mutant) -> str | None:
        """``killed``, ``survived``, or None: it has to be tried."""
        return self._results.get(mutant.digest)

    def note(self, mutant: Mutant, result: str) -> None:
        """It has been tried."""
        self._results[mutant.digest] = result
        with self._path.open("a") as file:
            file.write(json.dumps([mutant.digest, result, tests_digest()]) + "\n")


@cache
def tests_digest() -> str:
    """Changes with any test of the core."""
    return _digest(*(file.read_text() for file in sorted(TESTS.glob("*.py"))))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]

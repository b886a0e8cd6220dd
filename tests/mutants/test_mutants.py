"""The changes that are tried, and that a test which looks sees one, inside of a function and outside."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutants import subjects
from tests.mutants.mutations import mutations
from tests.mutants.runner import _exchange, _Finder, _functions
from tests.mutants.subjects import Mutant, explained, files, mutants

SOURCE = '''
"""A docstring stays."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import x
MOST = 3
class Box:
    size: int = 1
    def fits(self, n: "int" = 5) -> bool:
        """So does this."""
        if n > 2 and not self.full:
            self.count += 1
            return n <= MOST
        raise ValueError("too many of them")
'''


def texts(source: str) -> set[str]:
    return {mutation.text for mutation in mutations(ast.parse(source))}


def test_each_small_change_of_what_is_run_is_tried() -> None:
    assert texts(SOURCE) == {
        ": 3 → 4",
        "Box: 1 → 2",
        "Box.fits: 5 → 6",
        "Box.fits: if n > 2 and (not self.full) → if True",
        "Box.fits: if n > 2 and (not self.full) → if False",
        "Box.fits: if n > 2 and (not self.full) → if n > 2",
        "Box.fits: if n > 2 and (not self.full) → if not self.full",
        "Box.fits: n > 2 → n >= 2",
        "Box.fits: 2 → 3",
        "Box.fits: not self.full → self.full",
        "Box.fits: self.count += 1 → self.count -= 1",
        "Box.fits: self.count += 1 → pass",
        "Box.fits: 1 → 2",
        "Box.fits: return n <= MOST → return None",
        "Box.fits: n <= MOST → n < MOST",
        "Box.fits: raise ValueError('too many of them') → pass",
    }


def test_a_module_is_as_it_was_after_each_change() -> None:
    tree = ast.parse(SOURCE)
    for mutation in mutations(tree):
        mutation.compiled(tree, "a file")

    assert ast.unparse(tree) == ast.unparse(ast.parse(SOURCE))


def named(name: str) -> Mutant:
    (found,) = [mutant for mutant in mutants(files(["cluster/lease"])) if mutant.name == name]
    return found


def test_a_function_that_is_loaded_becomes_the_mutant() -> None:
    mutant = named("Lease.holds: now < stop_at → now <= stop_at")
    module = {"__name__": "copy"}
    file = str(mutant.file)
    exec(compile(mutant.file.read_text(), file, "exec"), module)  # noqa: S102 - a copy: the product itself stays
    lease = module["Lease"]()  # type: ignore[operator]  # it is the class
    lease.granted(6)
    lease.answered(0.0)
    assert not lease.holds(4.0)
    ours = {place: [f for f in found if f.__globals__ is module] for place, found in _functions().items()}
    _exchange(ours, mutant.mutation.compiled(mutant.tree, file))

    assert lease.holds(4.0)


def test_a_module_that_is_loaded_anew_is_the_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "autohealer.core.cluster.lease"
    before: ModuleType = importlib.import_module(name)
    monkeypatch.setattr(sys, "meta_path", [_Finder(named(": 2 / 3 → 2 * 3")), *sys.meta_path])
    monkeypatch.delitem(sys.modules, name)
    mutant = importlib.import_module(name)
    monkeypatch.setitem(sys.modules, name, before)

    assert (before.STOP_AFTER, mutant.STOP_AFTER) == (2 / 3, 6)


def test_every_explanation_is_of_a_mutant_that_there_is() -> None:
    there = {mutant.name for mutant in mutants(files([]))}

    assert explained().keys() <= there
    assert all(reason.strip() for reason in explained().values())


def test_what_is_tried_is_remembered_until_the_function_or_for_survivors_any_test_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "KNOWN", tmp_path)
    one, other, *_ = mutants(files(["cluster/lease"]))
    book = subjects.Book()
    book.note(one, "killed")
    book.note(other, "survived")
    assert [subjects.Book().result(each) for each in (one, other)] == ["killed", "survived"]
    monkeypatch.setattr(subjects, "tests_digest", lambda: "other tests")

    assert [subjects.Book().result(each) for each in (one, other)] == ["killed", None]

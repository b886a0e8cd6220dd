"""A process that has all tests loaded, copied for each mutant.

It is a plugin of pytest, for the time when all tests are collected. A copy in which a test fails, or which takes much
longer than the product would, has killed its mutant.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

import pytest
from hypothesis import Phase, settings

from tests.mutants import lines
from tests.mutants.lines import Lines
from tests.mutants.subjects import ROOT, TESTS, Book, Mutant

NOT_NEEDED = ("cacheprovider", "pytest_cov", "xdist")
OPTIONS = ["-q", "-x", "--timeout=0", *(f"-pno:{name}" for name in NOT_NEEDED), "-Wignore:Module already imported"]
# A test that takes longer than so many times what it takes with the product, and so much in addition, has failed.
PATIENCE, PATIENCE_S = 8, 2.0
# A world in which anything happens lives so often, and so long: what shows in none of these is for a test of its own.
WORLDS, STEPS = 15, 40
MEMORY = 4 << 30


class Copies:
    """The copies that run now, and what is told of each when it ends."""

    def __init__(self, jobs: int, book: Book) -> None:
        self._jobs, self.book = jobs, book
        self._running: dict[int, Mutant] = {}

    def is_copy(self, mutant: Mutant) -> bool:
        """Copy this process, once there is room, for this mutant; whether one is the copy."""
        while len(self._running) >= self._jobs:
            self._wait()
        child = os.fork()
        if child != 0:
            self._running[child] = mutant
        return child == 0

    def end(self) -> None:
        """Wait until all have ended."""
        while self._running:
            self._wait()

    def _wait(self) -> None:
        child, status = os.wait()
        if child not in self._running:
            return  # it is a program that the tests have started
        self.book.note(self._running.pop(child), "killed" if status != 0 else "survived")


class Quick:
    """To fail is enough: no example is made smaller."""

    def pytest_collection(self) -> None:
        """Before any test is loaded."""
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutants", settings.get_profile("any machine"), phases=phases, database=None)
        settings.load_profile("mutants")

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Those that have settings of their own."""
        world = getattr(item, "cls", None)
        if world is not None and hasattr(world, "settings"):
            world.settings = settings(world.settings, max_examples=WORLDS, stateful_step_count=STEPS)


class Loaded(Quick):
    """All tests are loaded; instead of being run once they are run for each mutant."""

    def __init__(self, mutants: list[Mutant], copies: Copies) -> None:
        self._mutants, self._copies = mutants, copies

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of running the tests."""
        known = lines.read()
        if known is None:
            known = self._recorded(session.items)
        items = {item.nodeid: item for item in session.items}
        functions = _functions()
        gc.collect()
        gc.freeze()
        for mutant in self._mutants:
            tests = known.reached_by(mutant)
            if mutant.mutation.scope.function is None or not tests:
                continue
            code = mutant.mutation.compiled(mutant.tree, str(mutant.file))
            if self._copies.is_copy(mutant):
                _exchange(functions, code)
                _try([items[test] for test in tests], known)
        self._copies.end()
        return True

    def _recorded(self, items: list[pytest.Item]) -> Lines:
        child = os.fork()
        if child == 0:
            quiet()
            failed = _failures(items)
            lines.recorded(items)
            os._exit(len(failed) > 0)
        _, status = os.waitpid(child, 0)
        found = lines.read()
        if status != 0 or found is None:
            raise SystemExit("the tests fail with the product itself")
        return found


class _Ordered(Quick):
    """Quick tests first, each with its time."""

    def __init__(self, known: Lines) -> None:
        self._known = known

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._known.seconds.get(item.nodeid, 0.0))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        _limit(self._known.seconds.get(item.nodeid, 1.0))


def try_from_the_start(mutants: list[Mutant], copies: Copies) -> None:
    """Load everything anew for each of these, in a copy of this process, which has not imported the product."""
    known = lines.read() or Lines()
    for mutant in mutants:
        if copies.is_copy(mutant):
            quiet()
            _limit(20)
            sys.meta_path.insert(0, _Finder(mutant))
            # With its way of importing, pytest would load the product as it is.
            os._exit(int(pytest.main([*OPTIONS, "--assert=plain", str(TESTS)], plugins=[_Ordered(known)])))
    copies.end()


def _try(items: list[pytest.Item], known: Lines) -> None:
    """In the copy: ends it with 0 if no test fails."""
    try:
        quiet()
        failed = _failures(items) if items else []
        for item in items:
            _limit(known.seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if failed:
                os._exit(1)
        os._exit(0)
    finally:
        os._exit(2)


def _failures(items: list[pytest.Item]) -> list[str]:
    """The tests that fail from now on."""
    watch = _Watch()
    items[0].config.pluginmanager.register(watch)
    return watch.failed


class _Watch:
    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The mutant's module instead of the product's."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        parts = mutant.file.relative_to(ROOT).with_suffix("").parts
        self._name = ".".join(parts).removesuffix(".__init__")

    def find_spec(self, name: str, _path: object, _target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._mutant.file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        code = self._mutant.mutation.compiled(self._mutant.tree, str(self._mutant.file))
        exec(code, module.__dict__)  # noqa: S102 - as an import does


def _functions() -> dict[tuple[str, str, int], list[FunctionType]]:
    """All functions that are loaded, by file, name and line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            found.setdefault(_place(thing.__code__), []).append(thing)
    return found


def _exchange(functions: dict[tuple[str, str, int], list[FunctionType]], module: CodeType) -> None:
    """The code of each function that differs is replaced."""
    for code in _codes(module):
        for function in functions.get(_place(code), ()):
            if function.__code__ != code:
                function.__code__ = code


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _limit(seconds: float) -> None:
    """The next test may take so much processor time, with patience; this process, so much memory."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE_S + PATIENCE * seconds)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def quiet() -> None:
    """Nobody reads what pytest says."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

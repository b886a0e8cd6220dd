"""Try the mutants of the core: python -m tests.mutants [--jobs N] [--list] [TEXT OF A PATH …]."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

import click
import pytest

from tests.mutants import runner
from tests.mutants.subjects import CORE, TESTS, Book, Mutant, explained, files, mutants


def main() -> int:
    """0 where each mutant is killed or explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", help="only files of the core with one of these texts in their path")
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants at once")
    parser.add_argument("--list", action="store_true", help="try none, only tell what is known")
    given = parser.parse_args()

    all_of_them, book = mutants(files(given.paths)), Book()
    if not given.list:
        _try([mutant for mutant in all_of_them if book.result(mutant) is None], book, given.jobs)
    return _tell(all_of_them, book, is_whole=not given.paths)


def _try(left: list[Mutant], book: Book, jobs: int) -> None:
    """Those in functions from a process with everything loaded, then the others."""
    if not left:
        return
    copies = runner.Copies(jobs, book)
    # In a process of its own: this one must not have loaded the product for those outside of functions.
    child = os.fork()
    if child == 0:
        runner.quiet()
        code = int(pytest.main([*runner.OPTIONS, str(TESTS)], plugins=[runner.Loaded(left, copies)]))
        os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise SystemExit("the tests could not be loaded or recorded")
    book.read()
    runner.try_from_the_start([mutant for mutant in left if book.result(mutant) is None], copies)


def _tell(all_of_them: list[Mutant], book: Book, *, is_whole: bool) -> int:
    reasons = explained()
    survivors = [mutant for mutant in all_of_them if book.result(mutant) == "survived"]
    open_ones = [mutant for mutant in survivors if mutant.name not in reasons]
    click.echo(f"{'file':34} mutants  killed  explained  survived  not tried")
    for file in sorted({mutant.file for mutant in all_of_them}):
        of_file = [mutant for mutant in all_of_them if mutant.file == file]
        results = Counter(book.result(mutant) for mutant in of_file)
        kept = sum(book.result(mutant) == "survived" and mutant.name in reasons for mutant in of_file)
        row = len(of_file), results["killed"], kept, results["survived"] - kept, results[None]
        click.echo(f"{file.relative_to(CORE)!s:34} {row[0]:7} {row[1]:7} {row[2]:10} {row[3]:9} {row[4]:10}")
    for mutant in open_ones:
        click.echo(mutant.line)
    if is_whole:
        names = {mutant.name for mutant in survivors}
        for name in reasons.keys() - names:
            click.echo(f"explained, and does not survive: {name}")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main())

"""Lines to streams that are slow, full or closed."""

from __future__ import annotations

import io
import os
import threading

from autohealer.runtime import printer as module
from autohealer.runtime.printer import Printer


def test_lines_come_out_whole_and_in_order() -> None:
    """As many as there are, by the time it is closed."""
    stream = io.StringIO()
    printer = Printer(stream)
    for number in range(2000):
        printer.print(f"line {number}")
    printer.close(patience_s=30)
    assert stream.getvalue() == "".join(f"line {number}\n" for number in range(2000))


def test_a_reader_that_is_gone_is_not_missed() -> None:
    """A closed pipe ends the view; printing goes on into nothing."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stream:
        printer = Printer(stream)
        for _ in range(10):
            printer.print("nobody reads this")
        printer.close(patience_s=30)
        assert not printer._thread.is_alive()
        # The text that could not be written is still in the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


def test_a_stream_that_was_closed() -> None:
    """As after ``>&-``."""
    stream = io.StringIO()
    stream.close()
    printer = Printer(stream)
    printer.print("nobody reads this")
    printer.close(patience_s=30)
    assert not printer._thread.is_alive()


class Stopped(io.StringIO):
    """A terminal on which somebody has typed Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.may_go_on = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.may_go_on.wait(60)
        return super().write(text)


def test_a_reader_that_is_too_slow() -> None:
    """Nobody waits for it; what it misses is counted, and it is told."""
    stream = Stopped()
    printer = Printer(stream)
    printer.print("first")
    assert stream.entered.wait(60)
    for number in range(module.CAPACITY + 7):
        printer.print(f"line {number}")
    printer.close(patience_s=0)  # nor is it waited for at the end
    stream.may_go_on.set()
    while stream.getvalue().count("\n") < 1 + module.CAPACITY:
        pass
    printer.print("after")
    printer.close(patience_s=30)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["first", "line 0"]
    assert lines[-2:] == ["(7 lines were dropped: the reader is too slow)", "after"]

"""Since when something may have been there to be seen: since the last look, or since the wait for it ended."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Iterator

import pytest

from autohealer.runtime.clock import now
from autohealer.runtime.timing_selector import TimingSelector


@pytest.fixture
def looks() -> Iterator[tuple[TimingSelector, int]]:
    """A selector that hears a pipe, and where to write to that."""
    reading, writing = os.pipe()
    with TimingSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        yield selector, writing
    os.close(reading)
    os.close(writing)


def test_there_at_once(looks: tuple[TimingSelector, int]) -> None:
    """It may have come at any moment since the look before this one, which saw nothing."""
    selector, writing = looks
    assert selector.select(0) == []
    looked = now()
    os.write(writing, b".")
    written = now()
    assert len(selector.select(None)) == 1
    assert selector.noticed_since() <= looked <= written


def test_waited_for(looks: tuple[TimingSelector, int]) -> None:
    """It came when the wait ended, however long that was."""
    selector, writing = looks
    before = now()
    threading.Timer(0.05, os.write, (writing, b".")).start()
    assert len(selector.select(60.0)) == 1
    assert before + 0.05 <= selector.noticed_since() <= now()


def test_nothing(looks: tuple[TimingSelector, int]) -> None:
    """A wait that ends in vain is a look, too."""
    selector, _ = looks
    before = now()
    assert selector.select(0.01) == []
    assert selector.select(-1) == []
    assert before < selector.noticed_since() <= now()

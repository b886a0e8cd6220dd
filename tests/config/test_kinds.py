"""Values are read, checked and shown again without a change of their meaning."""

from __future__ import annotations

import math
import signal
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.config.kinds import (
    Choice,
    Duration,
    FilePath,
    Flag,
    Integer,
    Kind,
    SignalNumber,
    Size,
    Text,
    Variable,
)
from autohealer.config.special_kinds import CountOrPart, FileMode, Hosts, Limit, PoolName, Ready

KINDS: list[Kind[Any]] = [
    Variable(),
    Choice("keep", "stop"),
    CountOrPart(),
    Duration(0.4),
    FileMode(),
    FilePath(),
    Flag(),
    Hosts(),
    Integer(0, 65_535),
    Limit(),
    PoolName(),
    Ready(),
    SignalNumber(),
    Size(),
    Text(),
]
WRONG = [
    (Duration(), "soon", "'soon' is not a number of seconds, nor a duration such as 90s, 5m, 1h or 2d"),
    (Duration(), "nan", "nan is not a number of seconds from 0 up"),
    (Duration(0.4), "0.1", "0.1 is not a number of seconds from 0.4 up"),
    (Integer(0, 100_000), "1e9", "'1e9' is not a whole number from 0 to 100,000"),
    (Integer(0, 100_000), "-1", "-1 is not a whole number from 0 to 100,000"),
    (Integer(1), "0", "0 is not a whole number from 1 up"),
    (Integer(1), "1.5", "'1.5' is not a whole number from 1 up"),
    (Integer(1), "9" * 5000, f"{'9' * 5000} is not a whole number from 1 up"),
    (Integer(1), "²", "'²' is not a whole number from 1 up"),
    (Size(), "10X", "'10X' is not a size such as 500K, 10M or 2G"),
    (Size(), "0", "'0' is not a size such as 500K, 10M or 2G"),
    (SignalNumber(), "STOPP", "'STOPP' is not a signal such as TERM, INT or 15"),
    (SignalNumber(), "99", "'99' is not a signal such as TERM, INT or 15"),
    (Choice("keep", "stop"), "maybe", "'maybe' is not one of keep, stop"),
    (Variable(), "novalue", "'novalue' is not of the form K=V"),
    (Hosts(), "foo bar", "'foo bar' is no connection string; write hosts with commas, as in zk1:2181,zk2:2181/path"),
    (Text(), "", "an empty text says nothing; leave it out, or write a value"),
    (Flag(), "maybe", "'maybe' is neither true nor false"),
    (CountOrPart(), "some", "'some' is not a number of workers such as 3, nor a part such as 25%"),
    (CountOrPart(), "120%", "120% is more than all"),
    (Ready(), "soon", "'soon' is not one of registered, probe, notify, started, log:REGEX, after:SECONDS"),
    (Ready(), "log:", "'log:' is not one of registered, probe, notify, started, log:REGEX, after:SECONDS"),
    (Ready(), "after:x", "'x' is not a number of seconds, nor a duration such as 90s, 5m, 1h or 2d"),
    (FileMode(), "0x1", "'0x1' is not a file mode in octal digits such as 027, as text"),
    (FileMode(), "1777", "'1777' is not a file mode in octal digits such as 027, as text"),
    (Limit(), "nofile", "'nofile' is not of the form NAME=SOFT[:HARD]"),
    (Limit(), "nofile=many", "'many' is no limit; write a number such as 4096 or 2G, or unlimited"),
    (Limit(), "nofile=9:3", "the soft limit of 'nofile=9:3' is above the hard one"),
    (Limit(), "nofile=unlimited:3", "the soft limit of 'nofile=unlimited:3' is above the hard one"),
]


def assert_same(kind: Kind[Any], shown: str, value: object) -> None:
    """That what is shown is understood, and means the same."""
    try:
        again = kind.parse(shown)
    except ValueError as error:
        pytest.fail(f"{shown!r} is shown, and not understood: {error}")
    assert again == value


@pytest.mark.parametrize(("kind", "text", "says"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_value_is_named_with_what_would_be_right(kind: Kind[Any], text: str, says: str) -> None:
    with pytest.raises(ValueError) as found:  # noqa: PT011 - the whole text is compared
        kind.parse(text)
    assert str(found.value) == says


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@given(text=st.text() | st.from_regex(r"-?[0-9.]{1,6}[smhdKMG]?", fullmatch=True) | st.sampled_from(["keep", "A=b"]))
def test_any_text_is_a_value_or_a_message(kind: Kind[Any], text: str) -> None:
    """And a value, shown, means the same again."""
    with suppress(ValueError):
        value = kind.parse(text)
        shown = kind.show(value)
        assert_same(kind, shown, value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_whatever_a_file_holds_is_a_value_or_a_message(kind: Kind[Any], value: object) -> None:
    with suppress(ValueError):
        shown = kind.show(kind.read(value))
        assert_same(kind, shown, kind.read(value))


@given(st.floats(0, 1e12, allow_nan=False))
def test_seconds_are_kept(seconds: float) -> None:
    """Also those that no unit fits."""
    assert math.isclose(Duration().parse(Duration().show(seconds)), seconds)


@given(st.sampled_from(sorted(signal.valid_signals())))
def test_every_signal_has_a_way_to_be_written(number: int) -> None:
    assert SignalNumber().parse(SignalNumber().show(number)) == number


def test_numbers_of_a_file_are_taken_where_they_mean_something() -> None:
    assert Duration().read(1.5) == 1.5
    assert Size().read(4096) == 4096
    assert Integer().read(3) == 3
    for kind, value in ((Text(), 3), (Integer(), 1.5), (Integer(), True), (Choice("keep"), 1)):
        with pytest.raises(ValueError, match="is not"):
            kind.read(value)

"""What another version wrote, or a damaged disk left, is read as far as it makes sense."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.views.tolerant import decoded, made_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


class Part(msgspec.Struct):
    """Something inside of something."""

    code: int | None
    oom: bool


class Whole(msgspec.Struct):
    """A field of each kind."""

    name: str
    count: int
    took: float | None
    lines: tuple[str, ...]
    shares: Mapping[str, int]
    part: Part | None = None
    of: int = msgspec.field(default=7, name="from")
    more: list[int] = []


FIELDS = {
    "name": "a", "count": 1, "took": 2.5, "lines": ["x"], "shares": {"b": 3}, "part": {"code": 1, "oom": True},
    "from": 2, "more": [4],
}  # fmt: skip
WHOLE = Whole("a", 1, 2.5, ("x",), {"b": 3}, Part(1, oom=True), 2, [4])


def test_what_makes_sense_is_taken() -> None:
    """What a newer version has added is passed over."""
    assert made_of(Whole, {**FIELDS, "new": 1}) == WHOLE


def test_what_is_missing_has_its_default_or_nothing() -> None:
    assert made_of(Whole, {}) == Whole("", 0, None, (), {}, None, 7, [])


@pytest.mark.parametrize(
    ("wrong", "field", "value"),
    [
        ({"name": 5}, "name", ""),
        ({"count": True}, "count", 0),
        ({"took": "long"}, "took", None),
        ({"lines": [1]}, "lines", ()),
        ({"shares": {"b": "many"}}, "shares", {}),
        ({"from": None}, "of", 7),
        ({"part": "broken"}, "part", None),
        ({"part": {"code": 9}}, "part", Part(9, oom=False)),
    ],
)
def test_what_is_wrong_costs_nothing_else(wrong: dict[str, Any], field: str, value: object) -> None:
    assert made_of(Whole, {**FIELDS, **wrong}) == msgspec.structs.replace(WHOLE, **{field: value})


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON))
def test_whatever_it_is_it_is_read(fields: dict[str, object]) -> None:
    assert isinstance(made_of(Whole, fields), Whole)


@pytest.mark.parametrize(
    ("text", "says"), [('{"a":1}', {"a": 1}), ('"\\ud800"', "\ud800"), ("1e400", inf), ("-Infinity", -inf)]
)
def test_what_only_pythons_own_reader_takes_is_read(text: str, says: object) -> None:
    assert decoded(text) == says


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decoded(text)


@given(JSON)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert decoded(json.dumps(value)) == value

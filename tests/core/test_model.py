"""The nouns: what a worker id is, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.core.model import WorkerId

AGENTS = st.text("abcxyz019-_.", min_size=1, max_size=12)
UNIQUES = st.text("abcdef0123456789", min_size=1, max_size=8)


@given(AGENTS, st.integers(0, 999_999_999), UNIQUES)
def test_an_id_is_read_back_from_its_text_whatever_dashes_its_agent_has(agent: str, slot: int, unique: str) -> None:
    worker = WorkerId(agent, slot, unique)

    assert WorkerId.parse(str(worker)) == worker


@pytest.mark.parametrize(
    "text",
    ["", "-", "--", "a", "a-1", "-1-u", "a-x-u", "a--u", "a-1-", "a-²-u", "a-1-u.agent", "a-1234567890-u",
     "worker_0000000042"],
)  # fmt: skip
def test_other_names_are_no_ids(text: str) -> None:
    assert WorkerId.parse(text) is None


@given(st.text(max_size=30))
def test_any_text_can_be_asked(text: str) -> None:
    parsed = WorkerId.parse(text)

    assert parsed is None or WorkerId.parse(str(parsed)) == parsed

"""The schema itself: every option is whole, and its example and default are values that it takes."""

from __future__ import annotations

import msgspec
import pytest

from autohealer.config.options import Field, Place, collected
from autohealer.config.schema import AGENT_FIELDS, FIELDS, POOL_FIELDS, AgentOptions, PoolOptions


def a_value(field: Field) -> object:
    """One that the option takes: its example, or its default as it would be typed."""
    text = field.option.example or field.default_text or "true"
    value = field.option.kind.parse(text)
    return collected(field.option, [value]) if field.option.many else value


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_it_is_whole(field: Field) -> None:
    """What people read of it, and a value to copy."""
    option = field.option
    assert option.help.endswith(".")
    assert option.help[0].isupper() or option.help.startswith("$")
    assert option.example or field.default is not None, "without a default an example says what a value looks like"
    assert "_" not in field.key
    assert field.variable is None or field.option.place is Place.ANYWHERE


def test_values_of_all_options_make_the_structs() -> None:
    """The type of each field takes what its kind makes of a text."""
    agent = msgspec.convert({name: a_value(field) for name, field in AGENT_FIELDS.items()}, AgentOptions)
    pool = msgspec.convert({name: a_value(field) for name, field in POOL_FIELDS.items()}, PoolOptions)

    assert agent.zk == FIELDS["zk"].option.example
    assert pool.env == {"LEVEL": "debug"}


def test_no_option_is_of_two_structs() -> None:
    assert not AGENT_FIELDS.keys() & POOL_FIELDS.keys()

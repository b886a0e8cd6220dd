"""The service registry as a table."""

from __future__ import annotations

from autohealer.views.services import services_text


def test_columns_are_aligned_and_what_is_not_known_is_a_dash() -> None:
    rows = [
        {"service": None, "id": "host-k3x9qa-0-1", "address": "10.0.0.7:8000"},
        {"service": "web", "id": "n", "address": None},
    ]

    assert services_text(rows).splitlines() == [
        "service  address        id",
        "-        10.0.0.7:8000  host-k3x9qa-0-1",
        "web      -              n",
    ]


def test_nothing_is_said_of_nothing() -> None:
    assert services_text([]) == ""


def test_names_cannot_give_orders_to_a_terminal() -> None:
    text = services_text([{"service": "a\x1b[2J", "id": "b\n", "address": "c"}])

    assert "a\\x1b[2J  c        b\\n" in text

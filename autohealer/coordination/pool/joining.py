"""Which agent joins which pool."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from autohealer.coordination.election.election import random_token
from autohealer.coordination.session.port import SessionId


class Joining(msgspec.Struct, frozen=True):
    """The agent that joins a pool."""

    pool: str
    agent: str
    prior_session: SessionId | None = None
    """The session of its former life, to go on with."""

    token: Callable[[], str] = random_token
    """Makes what sets one candidature apart from any other."""

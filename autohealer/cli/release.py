"""``autohealer release``."""

from __future__ import annotations

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.saying import Saying
from autohealer.cli.support.where import Where

PATIENCE_S = 30.0


def run(where: Where, sense: str | None, *, as_json: bool) -> int:
    """Let workers that are found faulty be replaced again."""
    address = PoolAddress(where)
    with address.asked("release", sense or "") as pending:
        answer = settled(pending.wait(PATIENCE_S), "nobody answered")
    Saying(address.name, "release", sense or "", as_json).say(answer.detail)
    return 0

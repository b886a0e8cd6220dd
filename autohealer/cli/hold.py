"""``autohealer hold``."""

from __future__ import annotations

from autohealer.cli.support.asking import settled
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.saying import Saying
from autohealer.cli.support.where import Where

PATIENCE_S = 30.0


def run(where: Where, sense: str | None, *, as_json: bool) -> int:
    """Keep workers that are found faulty from being replaced, in the whole pool."""
    address = PoolAddress(where)
    with address.asked("hold", sense or "") as pending:
        answer = settled(pending.wait(PATIENCE_S), "nobody answered")
    Saying(address.name, "hold", sense or "", as_json).say(answer.detail)
    return 0

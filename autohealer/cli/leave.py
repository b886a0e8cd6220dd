"""``autohealer leave``."""

from __future__ import annotations

from autohealer.cli.support.asking import ANSWER_S, settled
from autohealer.cli.support.file_tail import pause
from autohealer.cli.support.pool import of_the_process
from autohealer.cli.support.saying import ASKED, DONE, Saying
from autohealer.cli.support.where import Where


def run(where: Where, *, no_wait: bool, as_json: bool) -> int:
    """End the agent on this host, and not its workers."""
    address = of_the_process(where)
    with address.asked("leave") as pending:
        answer = settled(pending.wait(ANSWER_S), f"the agent of pool {address.name} does not answer")
    while address.runs_here and not no_wait:
        pause()
    text = f"pool {address.name}: {answer.detail}; `autohealer run` here takes over, `autohealer stop` ends them"
    Saying(address.name, "leave", "", as_json).say(text, ASKED if no_wait else DONE)
    return 0

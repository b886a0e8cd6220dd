"""The dashboard of an agent, as a process that the agent has started: ``python -m autohealer.tui POOL STATE-DIR SAID``.

It is in the agent's process group and ignores SIGINT: Ctrl-C is the agent's. Until it does, SIGINT is blocked, as the
agent has started it so.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path


def main(pool: str, state_dir: str, said: str = "") -> int:
    """Show it until its end; the exit code tells the agent why."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    from autohealer.runtime.state_dir import StateDir  # noqa: PLC0415 - signals first

    try:
        from autohealer.tui.agent_source import AgentSource  # noqa: PLC0415 - Textual: a broken one is told
        from autohealer.tui.show import show  # noqa: PLC0415 - as above
    except ImportError as error:
        print(f"the dashboard cannot be shown: {error}", file=sys.stderr)  # noqa: T201 - to whom else
        return 1

    state = StateDir(Path(state_dir), pool)
    return show(AgentSource(state), state, leaves=False, said=said)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""What an agent imports: each module that it does not use costs every start of it time, and memory ever after."""

from __future__ import annotations

import signal
import sys

from tests.support.pools import Pool

# What some agents use, and what none does.
NOT_USED = frozenset(
    {
        *("aiohttp", "argparse", "csv", "dataclasses", "difflib", "email", "html", "http", "multiprocessing"),
        *("prometheus_client", "psutil", "rich", "sqlite3", "textual", "tomllib", "unittest", "xml"),
        *("autohealer.cli.support.dashboard", "autohealer.cli.support.detaching", "autohealer.cli.support.pool"),
        *("autohealer.config.diff", "autohealer.config.load", "autohealer.coordination.admin"),
        *("autohealer.coordination.explorer", "autohealer.coordination.registry", "autohealer.processes.log_match"),
        *("autohealer.processes.probes.http", "autohealer.processes.probes.prober"),
        *("autohealer.runtime.doctor", "autohealer.runtime.notifier.owner", "autohealer.runtime.recorder.replay"),
        *("autohealer.processes.output.journal", "autohealer.runtime.drill", "autohealer.runtime.pool_rollout"),
        *("autohealer.runtime.reload", "autohealer.tui", "autohealer.views.report", "autohealer.web"),
    }
)


def test_what_nobody_asked_for_is_not_imported(embedded_pool: Pool) -> None:
    """Not before the first worker runs, and not behind it."""
    run = ("run", "2", *embedded_pool.where, "--no-dashboard", "--", "sleep", "1000")
    agent = embedded_pool.processes.start(sys.executable, "-X", "importtime", "-m", "autohealer", *run)
    embedded_pool.until_running(2)
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 0

    lines = embedded_pool.processes.read().splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert "autohealer.runtime.agent_process" in imported
    assert sorted(imported & NOT_USED) == []

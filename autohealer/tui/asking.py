"""What is asked of the pool, and the questions before it: nothing is done before somebody has said yes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.errors import AutohealerError
from autohealer.tui.screens.question import Question, ScaleQuestion
from autohealer.views.units import count

if TYPE_CHECKING:
    from autohealer.tui.app import Dashboard
    from autohealer.views.status import WorkerRow


class Asking:
    """Asks who is at the keys, then the pool, and says what came of it."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def scale(self, step: int) -> None:
        """Another target, if the answer is yes; further steps change the number that is asked about."""
        dashboard = self._dashboard
        target = dashboard.state.status.target
        if target is None:
            dashboard.say("the target is not known yet")
            return

        def answered(wanted: int | None) -> None:
            if wanted is None or wanted == target:
                dashboard.say("nothing is done")
            else:
                self._operate("scale", str(wanted), f"target {wanted:,} …")

        dashboard.push_screen(ScaleQuestion(target, step), answered)

    def kill(self, row: WorkerRow) -> None:
        """Kill this one, if the answer is yes."""
        if row.worker is None or row.pid is None:
            self._dashboard.say(f"slot {row.slot} has no process now")
            return
        worker = row.worker
        self.ask(
            f"Kill worker {row.slot} (pid {row.pid})?",
            "SIGKILL, to see it heal: another starts in its place.",
            lambda: self._operate("kill", worker, f"killing {worker} …"),
        )

    def restart(self, row: WorkerRow | None) -> None:
        """Replace one worker, or all of them, if the answer is yes."""
        subject = "" if row is None else row.worker or ""
        if row is None:
            question = f"Restart all {count(len(self._dashboard.state.rows), 'worker')}, one after the other?"
        elif row.worker is None:
            self._dashboard.say(f"slot {row.slot} has no worker now")
            return
        else:
            question = f"Restart worker {row.slot} (pid {row.pid})?"
        self.ask(
            question,
            "Each new one is ready before its old one is stopped.",
            lambda: self._operate("restart", subject, "restarting …"),
        )

    def stop(self) -> None:
        """End the pool, if the answer is yes."""
        status, pool = self._dashboard.state.status, self._dashboard.pool
        agents = len(status.agents)
        elsewhere = f" on {agents} hosts" if agents > 1 else ""
        end = f" and their {'agents' if agents > 1 else 'agent'} end."
        if self._dashboard.pools.beside(pool):
            end = " of it end; the other pools of this agent go on."
        self.ask(
            f"Stop pool {status.pool or pool}{elsewhere}?",
            f"{count(status.running, 'worker')}{end}",
            lambda: self._operate("stop", "", "stopping …"),
        )

    def ask(self, question: str, consequence: str, do: Callable[[], None]) -> None:
        """Do it if the answer is yes."""

        def answered(yes: bool | None) -> None:
            if yes:
                do()
            else:
                self._dashboard.say("nothing is done")

        self._dashboard.push_screen(Question(question, consequence), answered)

    def _operate(self, verb: str, subject: str, meanwhile: str) -> None:
        """Ask the pool, and say what came of it."""
        dashboard = self._dashboard

        async def operate() -> None:
            try:
                dashboard.say(await dashboard.source.operate(verb, subject))
            except AutohealerError as error:
                dashboard.say(f"{error}; {error.hint}" if error.hint else str(error))

        dashboard.say(meanwhile)
        dashboard.run_worker(operate(), exit_on_error=True)

"""What workers are launched with: of what a revision asks for, all that its starts share is made here, once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from autohealer.processes.launch.environment import WorkerHome, worker_environment
from autohealer.processes.launch.spawn import Output, Spawner
from autohealer.processes.launch.stdin import open_stdin
from autohealer.processes.launch.wrapper import prepare_command, user_environment
from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.outlet import FileOutlet, JournalOutlet, Outlet
from autohealer.runtime.revisions import Launch

if TYPE_CHECKING:
    from autohealer.processes.launch.command import Command
    from autohealer.processes.launch.spec import LaunchSpec
    from autohealer.runtime.claim import Claim


class Launcher:
    """Makes launches of specs. ``warn`` gets a line about output that is lost, from whichever thread notices it."""

    def __init__(
        self, claim: Claim, home: WorkerHome, descriptor_limit: tuple[int, int], warn: Callable[[str], None]
    ) -> None:
        self._state, self._sockets, self._options = claim.state, claim.sockets, claim.options
        self._home, self._descriptor_limit, self._warn = home, descriptor_limit, warn
        self._stdin: int | None = None
        self.files: OutputFiles | None = None
        """The files of workers' output; None until a spec asks for such."""

        self.output: Outlet | None = None
        """What writes to them."""

    def prepare(self, spec: LaunchSpec) -> Launch:
        """A launch of a spec that is new. Raises UsageError for what cannot be run."""
        return self.launch(spec, prepare_command(spec, {**os.environ, **spec.env}))

    def launch(self, spec: LaunchSpec, command: Command) -> Launch:
        """A launch of a spec whose command has been found already."""
        environ = worker_environment(
            os.environ,
            {**user_environment(spec), **spec.env},
            self._home,
            cwd=spec.cwd,
            beat_timeout_s=self._options.beat_timeout,
        )
        if spec.stdin == "open" and self._stdin is None:
            self._stdin = open_stdin(self._state.path)
        spawner = Spawner(
            command,
            environ | self._sockets.environ,
            Output(spec.output),
            descriptor_limit=self._descriptor_limit,
            stdin=self._stdin if spec.stdin == "open" else None,
            sockets=self._sockets.for_worker if spec.sockets else None,
        )
        return Launch(spawner, spec.cwd, spec.port_base, self._outlet(spec.output), environ)

    def close_output(self) -> None:
        """Write no more of what stands beside the output; workers go on writing to their files."""
        if self.output is not None:
            self.output.close()

    def close(self) -> None:
        """Nothing is started any more."""
        if self._stdin is not None:
            os.close(self._stdin)

    def _outlet(self, output: str) -> Outlet | None:
        """Where the output of workers goes; None: where ours goes, or nowhere."""
        if output == "file" and self.output is None:
            self.files = OutputFiles(self._state.output_dir, self._options.log_max_bytes)
            self.output = FileOutlet(self.files, self._warn)
        if output == "file":
            return self.output
        if output != "journald":
            return None
        from autohealer.processes.output.journal import JournaldStreams  # noqa: PLC0415 - only for who writes there

        return JournalOutlet(JournaldStreams(self._home.pool))

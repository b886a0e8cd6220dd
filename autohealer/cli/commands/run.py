"""``autohealer run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autohealer.cli.support.late import Late
from autohealer.cli.support.options import flag
from autohealer.cli.support.run_command import RunCommand

if TYPE_CHECKING:
    import click

    from autohealer.coordination.late_openssl import import_without_openssl
else:  # only when it runs
    import_without_openssl = Late("autohealer.coordination.late_openssl").import_without_openssl


class _Run(RunCommand):
    def invoke(self, ctx: click.Context) -> int:
        """An agent keeps what it imports; this one is to be asked for before all that wants it."""
        import_without_openssl()
        return super().invoke(ctx)


command = _Run(
    "run",
    """Keep N workers of a command alive.

      autohealer run 10 -- python worker.py
      autohealer run 4 --port-base 8000 -- ./serve --port {port}
      autohealer run 10 --zk zk1:2181,zk2:2181,zk3:2181 -- python worker.py
      autohealer run --config autohealer.toml

    Without --zk, a ZooKeeper-protocol server runs inside. In CMD, {slot}, {port} and {worker} are replaced. Ctrl-C
    stops the workers and ends; a second one kills them at once. When the agent itself is killed, the workers go on,
    and the next `run` takes them over.
    """,
    flag("-d", "--detach", text="Return once this agent's share runs, and leave the agent without this terminal."),
)

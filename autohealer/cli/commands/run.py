"""``autohealer run``."""

from __future__ import annotations

from autohealer.cli.support.options import flag
from autohealer.cli.support.run_command import RunCommand

command = RunCommand(
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

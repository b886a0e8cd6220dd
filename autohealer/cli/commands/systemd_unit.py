"""``autohealer systemd-unit``."""

from __future__ import annotations

from autohealer.cli.support.run_command import RunCommand

command = RunCommand(
    "systemd-unit",
    """Print a systemd unit that runs what `run` would run with the same arguments.

      autohealer systemd-unit 10 -- python worker.py | sudo tee /etc/systemd/system/workers.service
      autohealer systemd-unit --config autohealer.toml > ~/.config/systemd/user/pools.service

    The agent tells systemd when it is ready and that it lives; `systemctl stop` drains and stops the pool. An agent
    that is killed is started again, and so is one that was left by `autohealer leave`: it takes the workers over.
    """,
)

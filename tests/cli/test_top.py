"""``top`` on a real terminal: any pool, from any host, and left without a trace."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal

from autohealer.runtime.state_dir import StateDir
from tests.support.pools import Pool
from tests.support.processes import BIN, Processes, eventually
from tests.support.terminals import Terminal


def test_top_from_elsewhere(own_pool: Pool, terminal: Terminal) -> None:
    """All that ZooKeeper knows; what only the agent knows is blank, whatever another pool of this name has left here.

    Keys work; the pool goes on without it.
    """
    own_pool.run(3)
    own_pool.until_running(3)
    own_pool.until_registered(3)
    elsewhere = StateDir(own_pool.processes.directory / "elsewhere", own_pool.name)
    elsewhere.create()
    elsewhere.events_path.write_text('{"time":"2026-01-02T03:04:05Z","event":"agent.joined","agent":"former"}\n')
    terminal.start("top", *own_pool.where, "--state-dir", str(elsewhere.base))
    lines = terminal.until("3 of 3 running")
    assert "q leave" in lines[-1]
    assert any(re.search(r" ● running +\d+s ", line) for line in lines)
    terminal.type("+")
    terminal.until("Scale from 3 to 4 workers?")
    terminal.type("y")
    assert "former" not in "\n".join(terminal.until("4 of 4 running"))
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_clean
    own_pool.until_running(4)
    assert own_pool.stop() == 0


def test_top_on_the_same_host(own_pool: Pool, terminal: Terminal) -> None:
    """With causes of death and heals, which are in the event log; Ctrl-C leaves as q does."""
    own_pool.run(2)
    os.kill(own_pool.until_running(2)[0], signal.SIGKILL)
    own_pool.until_event("worker.exited")
    terminal.start("top")
    terminal.until("1 heal, 1 death")
    terminal.until(lambda lines: any(re.search(r" 0 ● running .* SIGKILL ", line) for line in lines))
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert own_pool.stop() == 0


def test_top_by_a_signal(own_pool: Pool, terminal: Terminal) -> None:
    """Nobody's terminal is spoilt by a kill."""
    own_pool.run(1)
    own_pool.until_running(1)
    terminal.start("top")
    terminal.until("1 of 1 running")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 128 + signal.SIGTERM
    assert terminal.is_clean


def test_top_needs_a_terminal_and_a_pool(processes: Processes, terminal: Terminal) -> None:
    """One line each, and no screen of its own for it."""
    piped = processes.run_autohealer("top")
    assert (piped.returncode, piped.stdout) == (2, "")
    assert piped.stderr.startswith("error: stdout is no terminal that can be drawn on; see `autohealer status`")
    terminal.start("top")
    assert terminal.ended() == 3
    assert b"\x1b[?1049h" not in terminal.sent
    assert b"error: no agent runs pool default" in terminal.sent


def test_top_of_several_pools(own_pool: Pool, terminal: Terminal) -> None:
    """Where none is named they are listed, and one can be chosen."""
    file = own_pool.processes.directory / "pools.toml"
    file.write_text("".join(f'[pools.{name}]\ncommand = ["sleep", "1000"]\nworkers = 1\n' for name in "ab"))
    agent = own_pool.processes.autohealer("run", *own_pool.where, "--config", str(file), output="agent")
    eventually(lambda: all((own_pool.processes.state_dir / name / "control.sock").exists() for name in "ab"))
    terminal.start("top")
    terminal.until("pools of this host")
    terminal.until(lambda lines: sum("1 of 1" in line for line in lines) == 2)
    terminal.type("end", "enter")
    terminal.until(lambda lines: " autohealer  b " in lines[0])
    terminal.type("q")
    assert terminal.ended() == 0
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 0


def test_top_is_left_whatever_is_waited_for(own_pool: Pool, terminal: Terminal) -> None:
    """An agent that is frozen never answers what was asked of it; that keeps nobody here."""
    own_pool.run(2)
    own_pool.until_running(2)
    terminal.start("top", *own_pool.where)
    terminal.until("2 of 2 running")
    os.kill(own_pool.agent.pid, signal.SIGSTOP)
    try:
        terminal.until("has not answered for")
        terminal.type("x")
        terminal.until("Kill worker 0")
        terminal.type("y")
        terminal.until("killing ")
        terminal.type("q")
        assert terminal.ended() == 0
        assert terminal.is_clean
    finally:
        os.kill(own_pool.agent.pid, signal.SIGCONT)
    assert own_pool.stop() == 0


def test_ctrl_z_in_top(own_pool: Pool, terminal: Terminal) -> None:
    """The shell has the terminal until `fg`; after that all of the screen is there again, not just what changes."""
    own_pool.run(2)
    own_pool.until_running(2)
    terminal.start("--norc", "--noprofile", "-i", program=shutil.which("bash") or "bash", env={"PS1": "$ "})
    terminal.until("$")
    terminal.type(f"{shlex.join([str(BIN / 'autohealer'), 'top', *own_pool.where])}\r")
    terminal.until("2 of 2 running")
    terminal.type("ctrl-z")
    terminal.until("Stopped")
    assert not terminal.is_alternate
    terminal.type("fg\r")
    terminal.until(lambda lines: terminal.is_alternate and "q leave" in lines[-1])
    assert any("╭─ workers 2 ─" in line for line in terminal.lines)
    terminal.type("q")
    terminal.until(lambda _: not terminal.is_alternate)
    assert own_pool.stop() == 0

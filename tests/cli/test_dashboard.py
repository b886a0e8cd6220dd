"""The dashboard on a real terminal: drawn, resized, asked for things by keys, and the terminal clean afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from itertools import pairwise

import pytest

from tests.support.pools import QUICK, SLEEP, Pool
from tests.support.processes import Processes, eventually
from tests.support.terminals import COLOR, Terminal

STUBBORN = ("sh", "-c", "trap '' TERM; while :; do sleep 1; done")


def run(pool: Pool, workers: int, *options: str, command: Sequence[str] = SLEEP) -> list[str]:
    """The arguments of an agent of this pool."""
    return ["run", str(workers), *pool.where, *QUICK, *options, "--", *command]


def test_a_life_on_the_screen(own_pool: Pool, terminal: Terminal) -> None:
    """Workers that run, one that dies and heals, a smaller window, another target, and a clean end."""
    terminal.start(*run(own_pool, 3))
    terminal.until("3 of 3 running")
    assert (terminal.is_alternate, terminal.echoes, terminal.screen.cursor.hidden) == (True, False, True)

    os.kill(own_pool.until_running(3)[1], signal.SIGKILL)
    terminal.until("1 death, 1 heal")
    terminal.until(lambda lines: any("SIGKILL" in line and line.startswith("     1 ● running") for line in lines))

    terminal.resize(60, 15)
    lines = terminal.until(lambda lines: lines[-1].startswith("q stop") and any("─ history" in line for line in lines))
    assert max(map(len, lines)) <= 60

    terminal.type("+", "+", "-")
    terminal.until("4 of 4 running")
    own_pool.until_running(4)

    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert re.fullmatch(r"\n?1 death, 1 heal, p50 .+ ms, p95 .+ ms\n", terminal.after())
    assert own_pool.living() == []


def test_keys_ask_the_pool(own_pool: Pool, terminal: Terminal) -> None:
    """Kill the chosen one, see its output, filter, and exchange them all."""
    terminal.start(*run(own_pool, 3, command=("sh", "-c", "echo here I am; exec sleep 1000")))
    terminal.until("3 of 3 running")
    before = own_pool.until_running(3)
    terminal.type("k")
    terminal.until("choose a worker with the arrows first")
    terminal.type("down", "down", "k")
    killed = own_pool.until_replaced(before, [1])
    terminal.type("l")
    terminal.until(lambda lines: any(line.startswith("─ output of slot 1") for line in lines) and " here I am" in lines)
    terminal.type("l", "/", "slot 2", "enter")
    terminal.until(
        lambda lines: "filter 'slot 2': 1 match" in lines[-1] and not any("slot 1" in line for line in lines)
    )
    terminal.type("r", "y")
    own_pool.until_replaced(killed, [0, 1, 2])
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_the_end_by_a_signal(own_pool: Pool, terminal: Terminal) -> None:
    """SIGTERM: as Ctrl-C."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_a_second_ctrl_c(own_pool: Pool, terminal: Terminal) -> None:
    """The screen says what is going on, and that one is there; the terminal is clean after it, too."""
    terminal.start(*run(own_pool, 2, command=STUBBORN))
    terminal.until("2 of 2 running")
    terminal.type("ctrl-c")
    terminal.until("Ctrl-C kills what is left at once")
    terminal.type("ctrl-c")
    assert terminal.ended() == 130
    assert terminal.is_clean


def test_the_end_by_a_failure(processes: Processes, terminal: Terminal) -> None:
    """The error is on the screen where it can be read."""
    terminal.start("run", "1", "--zk", "127.0.0.1:1", "--connect-timeout", "1", "--", *SLEEP)
    terminal.until("ZooKeeper away")
    assert terminal.ended() == 3
    assert terminal.is_clean
    assert "error: no ZooKeeper answers at 127.0.0.1:1" in terminal.after()


def test_ctrl_backslash(own_pool: Pool, terminal: Terminal) -> None:
    """Not a way to end an agent, and the terminal survives it."""
    terminal.start(*run(own_pool, 1))
    terminal.until("1 of 1 running")
    terminal.type("ctrl-\\")
    assert terminal.ended() == -signal.SIGQUIT
    assert terminal.is_clean


def test_another_stdin_is_not_ours_to_read(own_pool: Pool, terminal: Terminal) -> None:
    """Drawn all the same, without keys; what is typed is left to whom it concerns."""
    terminal.start(*run(own_pool, 1), stdin=subprocess.DEVNULL)
    terminal.until("1 of 1 running")
    assert terminal.echoes
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_no_color(own_pool: Pool, terminal: Terminal) -> None:
    """Not one colour among all that is sent."""
    terminal.start(*run(own_pool, 1), env={"NO_COLOR": "1"})
    terminal.until("● running")
    terminal.type("q")
    assert terminal.ended() == 0
    assert not COLOR.search(terminal.sent)


def test_colors_otherwise(own_pool: Pool, terminal: Terminal) -> None:
    """So that the test before this one can fail."""
    terminal.start(*run(own_pool, 1))
    terminal.until("● running")
    assert COLOR.search(terminal.sent)


@pytest.mark.parametrize(
    ("options", "env"), [((), {"TERM": "dumb"}), (("--no-dashboard",), {}), ((), {"AUTOHEALER_DASHBOARD": "0"})]
)
def test_lines_instead(own_pool: Pool, terminal: Terminal, options: tuple[str, ...], env: dict[str, str]) -> None:
    """On a terminal that cannot be drawn on, or where they are asked for: a line for each event, nothing else."""
    terminal.start(*run(own_pool, 1, *options), env=env)
    terminal.until("worker 0 (pid ")
    own_pool.until_running(1)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 0
    assert b"\x1b" not in terminal.sent
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3}  ", line) for line in terminal.sent.decode().splitlines())


def test_json_is_never_drawn(own_pool: Pool, terminal: Terminal) -> None:
    """Also on a terminal, also where a dashboard is asked for."""
    terminal.start(*run(own_pool, 1, "--json", "--dashboard"))
    own_pool.until_running(1)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 0
    events = [json.loads(line)["event"] for line in terminal.sent.decode().splitlines()]
    assert "worker.started" in events


def test_a_dashboard_where_there_is_no_terminal(own_pool: Pool) -> None:
    """The workers matter more: it is said, and lines are printed."""
    own_pool.run(1, options=["--dashboard"])
    own_pool.until_running(1)
    assert own_pool.stop() == 0
    assert own_pool.said().startswith("warning: stdout is no terminal that could show a dashboard")
    assert "\x1b" not in own_pool.said()


def test_a_dashboard_and_output_on_one_terminal(processes: Processes) -> None:
    """Would write over each other."""
    answer = processes.run_autohealer("run", "1", "--dashboard", "--log", "stdout", "--", "true")
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: --dashboard and --log stdout would write over each other; leave one out")


def test_top_from_elsewhere(own_pool: Pool, terminal: Terminal) -> None:
    """All that ZooKeeper knows; what only the agent knows is blank; keys work; the pool goes on without it."""
    own_pool.run(3)
    own_pool.until_running(3)
    own_pool.until_registered(3)
    elsewhere = str(own_pool.processes.directory / "elsewhere")
    terminal.start("top", *own_pool.where, "--state-dir", elsewhere)
    lines = terminal.until("3 of 3 running")
    assert any("q leave" in line for line in lines)
    assert any(re.match(r" {5}0 ● running +\d+ +\d+s$", line) for line in lines)
    terminal.type("+")
    terminal.until("4 of 4 running")
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
    terminal.until("1 death, 1 heal")
    terminal.until(
        lambda lines: any(re.match(r" {5}0 ● running .* [\d.]+% +[\d.]+[KM] SIGKILL$", line) for line in lines)
    )
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


def test_status_on_a_terminal_and_in_a_pipe(own_pool: Pool, terminal: Terminal) -> None:
    """Coloured, with glyphs; and as bare text."""
    own_pool.run(1)
    own_pool.until_running(1)
    own_pool.until_registered(1)
    terminal.start("status")
    assert terminal.ended() == 0
    piped = own_pool.call("status").stdout

    assert COLOR.search(terminal.sent)
    assert any(line.startswith("   0  ● running  ") for line in terminal.lines)
    assert piped.isascii()
    assert "\x1b" not in piped
    assert piped.splitlines()[3].split() == ["slot", "state", "pid", "up", "restarts", "registered", "host", "worker"]


def test_status_that_goes_on(own_pool: Pool, terminal: Terminal) -> None:
    """In place on a terminal, until Ctrl-C; as a line of JSON for each change elsewhere."""
    own_pool.run(1)
    own_pool.until_running(1)
    own_pool.until_registered(1)
    terminal.start("status", "--watch")
    elsewhere = own_pool.processes.autohealer("status", "--watch", "--json", output="watched")
    terminal.until("1 of 1 running")
    eventually(lambda: "\n" in own_pool.processes.read("watched"))
    assert own_pool.call("scale", "2").returncode == 0
    terminal.until("2 of 2 running")
    eventually(lambda: '"target": 2' in own_pool.processes.read("watched"))
    terminal.resize(50, 4)
    terminal.until(lambda lines: lines[-1].startswith("… "))
    terminal.type("ctrl-c")
    assert terminal.ended() == 130
    assert terminal.is_clean
    elsewhere.kill()
    states = [json.loads(line) for line in own_pool.processes.read("watched").splitlines()]
    assert all(one != other for one, other in pairwise(states))


def test_events_on_a_terminal(own_pool: Pool, terminal: Terminal) -> None:
    """How long ago each was, and a glyph; the same without both in a pipe."""
    own_pool.run(1)
    os.kill(own_pool.until_running(1)[0], signal.SIGKILL)
    own_pool.until_event("worker.exited")
    terminal.start("events", "-n", "50")
    assert terminal.ended() == 0
    pattern = r"(now|\d+s ago)  \d\d:\d\d:\d\d\.\d{3}  ✗ worker 0 \(pid \d+\) was killed by SIGKILL"
    assert any(re.match(pattern, line.strip()) for line in terminal.lines)
    assert re.search(
        r"^[\d:.]{12}  worker 0 \(pid \d+\) was killed by SIGKILL", own_pool.call("events").stdout, re.MULTILINE
    )


def test_the_terminal_goes_away(own_pool: Pool, terminal: Terminal) -> None:
    """A window that is closed: the agent ends as on SIGTERM, with nobody left to tell."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    own_pool.until_running(2)
    terminal.hang_up()
    assert terminal.process.wait(20) == 0
    assert own_pool.living() == []

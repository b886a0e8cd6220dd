"""The dashboard on a real terminal: drawn, resized, asked for things by keys, and the terminal clean afterwards."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.pools import QUICK, SLEEP, Pool
from tests.support.processes import BIN, Processes, command_line, eventually
from tests.support.terminals import COLOR, Terminal

STUBBORN = ("sh", "-c", "trap '' TERM; while :; do sleep 1; done")


def run(pool: Pool, workers: int, *options: str, command: Sequence[str] = SLEEP) -> list[str]:
    """The arguments of an agent of this pool."""
    return ["run", str(workers), *pool.where, *QUICK, *options, "--", *command]


def chosen(lines: list[str], slot: int) -> bool:
    """Whether the row of this slot is the chosen one."""
    return any(re.match(rf"│▌ +{slot} ", line) for line in lines)


def dashboard_of(agent: int) -> int:
    """The process of the dashboard, a child of the agent."""
    children = eventually(lambda: Path(f"/proc/{agent}/task/{agent}/children").read_text().split())
    found = [int(pid) for pid in children if "autohealer.tui" in command_line(int(pid))]
    return found[0] if found else 0


def test_a_life_on_the_screen(own_pool: Pool, terminal: Terminal) -> None:
    """Workers that run, one that dies and heals, a smaller window, another target, and a clean end."""
    terminal.start(*run(own_pool, 3))
    terminal.until("ALL AS WANTED")
    terminal.until("3 of 3 running")
    assert (terminal.is_alternate, terminal.echoes, terminal.screen.cursor.hidden) == (True, False, True)

    os.kill(own_pool.until_running(3)[1], signal.SIGKILL)
    terminal.until("1 heal, 1 death")
    terminal.until(lambda lines: any(re.search(r" 1 ● running .* SIGKILL", line) for line in lines))

    terminal.resize(60, 15)
    lines = terminal.until(lambda lines: "q stop" in lines[-1] and len(lines) == 15)
    assert max(map(len, lines)) <= 60

    terminal.type("+", "+", "-")
    terminal.until("Scale from 3 to 4 workers?")
    terminal.type("enter")
    terminal.until("4 of 4 running")
    own_pool.until_running(4)

    terminal.type("q")
    terminal.until("Stop pool default?")
    terminal.type("y")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert re.search(r"1 death, 1 heal, p50 .+ ms, p95 .+ ms\n$", terminal.after())
    assert own_pool.living() == []


def test_the_modes_of_the_terminal(own_pool: Pool, terminal: Terminal) -> None:
    """Ctrl-C stays the kernel's signal: no mode, and no protocol of a terminal, makes a key of it."""
    terminal.start(*run(own_pool, 1))
    terminal.until("1 of 1 running")
    modes = terminal.modes()
    assert modes[3] & termios.ISIG
    assert (modes[6][termios.VSUSP], modes[6][termios.VQUIT]) == (b"\0", b"\0")
    assert modes[6][termios.VINTR] == b"\x03"
    assert not re.search(rb"\x1b\[[>=]\d*u", terminal.sent)
    assert signal.SIGINT in ignored(dashboard_of(terminal.process.pid))
    assert os.getpgid(dashboard_of(terminal.process.pid)) == os.getpgid(terminal.process.pid)
    terminal.type("ctrl-c")
    assert terminal.ended() == 0


def ignored(pid: int) -> set[int]:
    """The signals that a process ignores."""
    line = re.search(r"^SigIgn:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    mask = int(line[1], 16) if line else 0
    return {signum for signum in range(1, 65) if mask >> (signum - 1) & 1}


def test_keys_ask_the_pool(own_pool: Pool, terminal: Terminal) -> None:
    """Kill the chosen one, see its output, filter, and exchange them all; nothing is done where the answer is no."""
    terminal.start(*run(own_pool, 3, command=("sh", "-c", "echo here I am; exec sleep 1000")))
    terminal.until("3 of 3 running")
    before = own_pool.until_running(3)
    terminal.until(lambda lines: chosen(lines, 0))
    terminal.type("j")
    terminal.until(lambda lines: chosen(lines, 1))
    terminal.type("x")
    terminal.until("Kill worker 1")
    terminal.type("n")
    terminal.until("nothing is done")
    assert own_pool.pids() == before
    terminal.type("x")
    terminal.until("Kill worker 1")
    terminal.type("enter")
    killed = own_pool.until_replaced(before, [1])

    terminal.type("enter")
    terminal.until("output of slot 1")
    terminal.until("here I am")
    terminal.until("worker 1 (pid")
    terminal.until("killed by SIGKILL")
    terminal.type("escape")
    terminal.until("3 of 3 running")
    terminal.type("/")
    terminal.until("filter:")
    terminal.type("slot 2", "enter")
    terminal.until("workers 1 of 3")
    terminal.type("r")
    terminal.until("Restart all 3 workers")
    terminal.type("y")
    own_pool.until_replaced(killed, [0, 1, 2])
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_why_is_said_at_once(own_pool: Pool, terminal: Terminal) -> None:
    """The one thing that a newcomer needs: what the worker itself said."""
    terminal.start(*run(own_pool, 3, command=(sys.executable, "nosuch.py")))
    lines = terminal.until(lambda lines: any("3 are crash-looping" in x and "can't open file" in x for x in lines))
    assert any("NOT AS WANTED" in line for line in lines)
    terminal.type("ctrl-c")
    assert terminal.ended() == 0


def test_several_pools(own_pool: Pool, terminal: Terminal) -> None:
    """It opens on all of them, as `p` does; each can be looked at, and stopped by itself; the process goes on."""
    file = own_pool.processes.directory / "pools.toml"
    pools = "".join(f'[pools.{name}]\ncommand = ["sleep", "1000"]\nworkers = {n}\n' for name, n in (("a", 1), ("b", 2)))
    file.write_text(pools)
    terminal.start("run", *own_pool.where, "--config", str(file))
    terminal.until(lambda lines: any("b " in line and "2 of 2" in line and "all as wanted" in line for line in lines))
    terminal.type("escape")
    terminal.until("1 of 1 running")
    terminal.type("p")
    terminal.until(lambda lines: any("b " in line and "2 of 2" in line and "all as wanted" in line for line in lines))
    terminal.type("j", "enter")
    terminal.until("2 of 2 running")
    terminal.type("q")
    terminal.until("Stop pool b?")
    terminal.type("y")
    terminal.until(lambda lines: any("a " in x and "1 of 1" in x for x in lines) and "2 of 2" not in "".join(lines))
    terminal.type("home", "enter")
    terminal.until("1 of 1 running")
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert own_pool.living() == []


def test_another_pool_goes_wrong(own_pool: Pool, terminal: Terminal) -> None:
    """It is told while this one is looked at, and `p` leads to it."""
    file = own_pool.processes.directory / "pools.toml"
    file.write_text(
        '[pools.a]\ncommand = ["sleep", "1000"]\nworkers = 1\n[pools.b]\ncommand = ["false"]\nworkers = 1\n'
    )
    terminal.start("run", *own_pool.where, "--config", str(file))
    terminal.until(lambda lines: any("a " in line and "all as wanted" in line for line in lines))
    terminal.type("escape")
    terminal.until("1 other pool not as wanted: b (crash-looping)")
    terminal.type("p")
    terminal.until("pools of this host: 1 of 2 not as wanted")
    terminal.type("enter")
    terminal.until(lambda lines: " autohealer  b " in lines[0] and any("NOT AS WANTED" in line for line in lines))
    terminal.type("ctrl-c")
    assert terminal.ended() == 0


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
    terminal.start("run", "1", "--zk", "127.0.0.1:1", "--connect-timeout", "8", "--", *SLEEP)
    terminal.until("has not answered yet")
    assert terminal.ended() == 3
    assert terminal.is_clean
    assert "error: no ZooKeeper answers at 127.0.0.1:1" in terminal.after()


def test_a_dashboard_that_is_killed(own_pool: Pool, terminal: Terminal) -> None:
    """The terminal is given back, events go on as lines, and Ctrl-C still ends the agent."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    before = own_pool.until_running(2)
    os.kill(dashboard_of(terminal.process.pid), signal.SIGKILL)
    terminal.until("the dashboard has ended (SIGKILL); events go on as lines")
    assert terminal.is_clean
    os.kill(before[0], signal.SIGKILL)
    terminal.until("was killed by SIGKILL")
    terminal.until("started, healed in")
    own_pool.until_replaced(before, [0])
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_a_dashboard_that_is_frozen(own_pool: Pool, terminal: Terminal) -> None:
    """Ctrl-C reaches the agent all the same, which ends it and gives the terminal back."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    own_pool.until_running(2)
    os.kill(dashboard_of(terminal.process.pid), signal.SIGSTOP)
    terminal.type("ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert own_pool.living() == []


def test_an_agent_that_is_killed(own_pool: Pool, terminal: Terminal) -> None:
    """The dashboard leaves the screen, says how many go on and what to do."""
    agent = shell_running(terminal, own_pool, 2)
    os.kill(agent, signal.SIGKILL)
    terminal.until(lambda lines: "2 workers go on" in " ".join(lines))
    terminal.until("ended with 137")
    assert not terminal.is_alternate
    assert len(own_pool.living()) == 2


def test_an_agent_that_is_frozen(own_pool: Pool, terminal: Terminal) -> None:
    """It is said, and that what is shown is old."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    terminal.process.send_signal(signal.SIGSTOP)
    terminal.until("has not answered for")
    terminal.process.send_signal(signal.SIGCONT)
    terminal.until("ALL AS WANTED")
    terminal.type("ctrl-c")
    assert terminal.ended() == 0


def test_ctrl_z(own_pool: Pool, terminal: Terminal) -> None:
    """The terminal is the shell's until `fg`, the workers run on, and then the dashboard is there again."""
    shell_running(terminal, own_pool, 2)
    terminal.type("ctrl-z")
    terminal.until("Stopped")
    assert not terminal.is_alternate
    assert len(own_pool.living()) == 2
    terminal.type("fg\r")
    terminal.until(lambda lines: terminal.is_alternate and any("2 of 2 running" in line for line in lines))
    terminal.type("ctrl-c")
    terminal.until(lambda _: not terminal.is_alternate)
    terminal.type("echo over $((6 * 7))\r")
    terminal.until("over 42")
    assert own_pool.living() == []


def test_an_agent_that_somebody_else_stops(own_pool: Pool, terminal: Terminal) -> None:
    """The shell takes the terminal and gets a clean one; what is typed there stops nobody; `fg` brings all back."""
    agent = shell_running(terminal, own_pool, 2)
    os.kill(agent, signal.SIGSTOP)
    terminal.until(lambda _: not terminal.is_alternate)
    terminal.type("echo mine $((6 * 7))\r")
    terminal.until("mine 42")
    os.kill(agent, signal.SIGCONT)
    before = own_pool.until_running(2)
    terminal.type("echo mine $((6 * 8))\r")
    terminal.until("mine 48")
    os.kill(before[0], signal.SIGKILL)
    own_pool.until_replaced(before, [0])
    terminal.type("fg\r")
    terminal.until(lambda lines: terminal.is_alternate and any("2 of 2 running" in line for line in lines))
    terminal.type("ctrl-c")
    terminal.until(lambda _: not terminal.is_alternate)
    terminal.type("echo over $((6 * 7))\r")
    terminal.until("over 42")
    assert own_pool.living() == []


def test_whatever_is_typed_and_pasted(own_pool: Pool, terminal: Terminal) -> None:
    """Bytes that are no text are no end of the dashboard, and a paste with control sequences in it kills nobody."""
    terminal.start(*run(own_pool, 1))
    terminal.until("1 of 1 running")
    own_pool.until_running(1)
    terminal.send(b"\xff\xfe\xc3(\x1b[<99M\x80")
    terminal.send(b"\x1b[200~x\ry\r\x1b[31mx\ry\rq\ry\r\x1b[201~")
    terminal.type("?")
    terminal.until("the chosen worker")
    assert own_pool.events("worker.exited") == []
    terminal.type("escape", "ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean
    assert "the dashboard has ended" not in terminal.after()


def shell_running(terminal: Terminal, pool: Pool, workers: int) -> int:
    """An interactive shell with an agent in the foreground; the agent's pid."""
    line = shlex.join([str(BIN / "autohealer"), *run(pool, workers)])
    terminal.start("--norc", "--noprofile", "-i", program=shutil.which("bash") or "bash", env={"PS1": "$ "})
    terminal.until("$")
    terminal.type(f"{line}; echo ended with $?\r")
    terminal.until(f"{workers} of {workers} running")
    pool.until_running(workers)
    return int(pool.status()["agents"][0]["pid"])


def test_detach(own_pool: Pool, terminal: Terminal) -> None:
    """The terminal is given back, the same workers go on under an agent without one, and a death heals as before."""
    terminal.start(*run(own_pool, 2))
    terminal.until("2 of 2 running")
    before = own_pool.until_running(2)
    terminal.type("d")
    terminal.until("Detach from pool default?")
    terminal.type("y")
    assert terminal.ended(60) == 0
    assert terminal.is_clean
    assert "runs without this terminal" in terminal.after()
    assert own_pool.until_running(2) == before
    os.kill(before[0], signal.SIGKILL)
    own_pool.until_replaced(before, [0])
    os.kill(own_pool.status()["agents"][0]["pid"], signal.SIGTERM)
    eventually(lambda: not own_pool.living() and not own_pool.status())


def test_ctrl_backslash(own_pool: Pool, terminal: Terminal) -> None:
    """A slip of the finger is no way to end an agent."""
    terminal.start(*run(own_pool, 1))
    terminal.until("1 of 1 running")
    terminal.type("ctrl-\\", "?")
    terminal.until("the chosen worker")
    terminal.type("escape", "ctrl-c")
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_another_stdin_is_not_ours_to_read(own_pool: Pool, terminal: Terminal) -> None:
    """Drawn all the same, without keys; what is typed is left to whom it concerns."""
    terminal.start(*run(own_pool, 1), stdin=subprocess.DEVNULL)
    terminal.until("1 of 1 running")
    assert terminal.echoes
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ended() == 0
    assert terminal.is_clean


def test_a_dashboard_that_cannot_be_imported(own_pool: Pool, terminal: Terminal, tmp_path: Path) -> None:
    """One line says so, and events go on as lines."""
    (tmp_path / "textual").mkdir()
    (tmp_path / "textual" / "__init__.py").write_text("raise ImportError('half installed')")
    terminal.start(*run(own_pool, 1), env={"PYTHONPATH": str(tmp_path)})
    terminal.until("half installed")
    terminal.until("events go on as lines")
    os.kill(own_pool.until_running(1)[0], signal.SIGKILL)
    terminal.until("started, healed in")
    assert b"Traceback" not in terminal.sent
    terminal.type("ctrl-c")
    assert terminal.ended() == 0


def test_another_stderr(own_pool: Pool, terminal: Terminal, tmp_path: Path) -> None:
    """The picture is drawn on stdout, wherever warnings go."""
    with (tmp_path / "warnings").open("wb") as file:
        terminal.start(*run(own_pool, 1), stderr=file)
        terminal.until("1 of 1 running")
        terminal.type("ctrl-c")
        assert terminal.ended() == 0
    assert b"\x1b" not in (tmp_path / "warnings").read_bytes()


def test_no_color(own_pool: Pool, terminal: Terminal) -> None:
    """Not one colour among all that is sent."""
    terminal.start(*run(own_pool, 1), env={"NO_COLOR": "1"})
    terminal.until("● running")
    terminal.type("ctrl-c")
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
    assert any(line.split()[:2] == ["slot", "state"] for line in piped.splitlines())


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

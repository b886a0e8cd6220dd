"""What a real bash offers after Tab, and what the other shells are given."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from autohealer.zkserver import ZooKeeperServer
from tests.support.pools import Pool
from tests.support.processes import Processes
from tests.support.terminals import Terminal

KILL_LINE = "\x15"
# What readline does at a Tab: it calls the function that is registered for the command.
ASK = """
eval "$(autohealer completion bash)"
function=$(complete -p autohealer | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
COMP_WORDS=({words}) COMP_CWORD={at}
"$function" autohealer "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def offered(processes: Processes, typed: str) -> list[str]:
    """What bash offers for the last of these words, which may be empty."""
    words = typed.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    answer = processes.run("bash", "--norc", "-c", ASK.format(words=quoted, at=len(words) - 1))
    assert answer.stderr == ""
    return answer.stdout.split()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("autohealer sc", ["scale"]),
        ("autohealer repo", ["report"]),
        ("autohealer report --s", ["--state-dir", "--since"]),
        ("autohealer status --zk", ["--zk", "--zk-ca", "--zk-cert", "--zk-key"]),
        ("autohealer zk dele", ["delete", "deleteall"]),
        ("autohealer status --js", ["--json"]),
        ("autohealer run 3 --on-partition ", ["keep", "stop"]),
        ("autohealer run 3 --no-d", ["--no-dashboard"]),
        ("autohealer run 3 --stop-signal t", ["TERM"]),
        ("autohealer run 3 --stop-signal SIGU", ["SIGUSR1", "SIGUSR2"]),
        ("autohealer completion z", ["zsh"]),
        ("autohealer kill ", []),
    ],
)
def test_what_there_always_is(processes: Processes, typed: str, expected: list[str]) -> None:
    """Commands, options, their choices; nothing, and no error, where there is nothing."""
    assert offered(processes, typed) == expected


def test_what_there_is_now(own_pool: Pool) -> None:
    """The workers, agents and pools that run."""
    own_pool.run(2)
    own_pool.until_running(2)
    workers = own_pool.workers()
    ids = [workers[slot]["worker"] for slot in (0, 1)]

    assert offered(own_pool.processes, "autohealer kill ") == ["0", "1", *ids]
    assert offered(own_pool.processes, f"autohealer logs {ids[1][:-1]}") == [ids[1]]
    assert offered(own_pool.processes, "autohealer drain ") == [workers[0]["agent"]]
    assert offered(own_pool.processes, "autohealer status --pool ") == ["default"]
    assert offered(own_pool.processes, f"autohealer kill --state-dir {own_pool.processes.directory}/other ") == []
    assert own_pool.stop() == 0


def test_the_tab_key(own_pool: Pool, terminal: Terminal) -> None:
    """In a bash that people type into."""
    own_pool.run(2)
    own_pool.until_running(2)
    worker = own_pool.workers()[1]["worker"]
    bash = shutil.which("bash")
    assert bash is not None

    terminal.start("--norc", "--noprofile", "-i", program=bash, env={"PS1": "$ "})
    terminal.type('eval "$(autohealer completion bash)"; echo "re"ady', "enter")
    terminal.until(lambda lines: "ready" in lines)
    terminal.type("autohealer repo\t")
    terminal.until("autohealer report")
    terminal.type(KILL_LINE, f"autohealer logs {worker[:-1]}\t")
    terminal.until(f"autohealer logs {worker}")
    terminal.type(KILL_LINE, "exit", "enter")
    terminal.ended()
    assert own_pool.stop() == 0


def test_the_command_that_is_run(processes: Processes) -> None:
    """Behind -- a program, then files; of what we know nothing of, files."""

    def answered(words: str) -> str:
        at = str(words.count(" "))
        variables = {"COMP_WORDS": words, "COMP_CWORD": at, "_AUTOHEALER_COMPLETE": "bash_complete"}
        return processes.run("autohealer", env=variables).stdout.strip()

    assert "plain,python3" in answered("autohealer run 3 -- pyth").splitlines()
    assert answered("autohealer run 3 -- ./pyth") == "file,./pyth"
    assert answered("autohealer run 3 -- python3 wor") == "file,wor"
    assert answered("autohealer elect -- no-such-progr") == "file,no-such-progr"
    assert answered("autohealer run 3 ") == "plain,--"


def test_the_nodes_of_a_zookeeper(processes: Processes, embedded_zookeeper: ZooKeeperServer) -> None:
    """As far as the path was typed; nothing, and no error, where none answers."""
    zk = f"--zk {embedded_zookeeper.hosts}"
    for path in ("/tab", "/tab/one", "/tab/other"):
        assert processes.run_autohealer("zk", "create", *zk.split(), path).returncode == 0

    assert offered(processes, f"autohealer zk get {zk} /ta") == ["/tab"]
    assert offered(processes, f"autohealer zk {zk} ls /tab/o") == ["/tab/one", "/tab/other"]
    assert offered(processes, f"autohealer watch {zk} /tab/one/") == []
    assert offered(processes, "autohealer zk get --zk 127.0.0.1:1 /") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(processes: Processes, shell: str) -> None:
    """A script that names the program; the shell itself, where it is installed, finds no fault with it."""
    script = processes.run_autohealer("completion", shell)
    assert script.returncode == 0
    assert "_AUTOHEALER_COMPLETE=" + shell in script.stdout
    if (found := shutil.which(shell)) is not None:
        path = processes.directory / "script"
        path.write_text(script.stdout)
        assert subprocess.run([found, "-n", str(path)], capture_output=True, check=False).returncode == 0


def test_another_shell_is_refused(processes: Processes) -> None:
    """With those that there are."""
    answer = processes.run_autohealer("completion", "tcsh")
    assert answer.returncode == 2
    assert "not one of bash, zsh, fish" in answer.stderr

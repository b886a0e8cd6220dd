"""What is wrong with a command line is said in one line, with what to do about it, and exit code 2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autohealer.cli import main
from tests.support.processes import Processes

WRONG = {
    "run": "Missing argument 'N'",
    "run 3": "there is no command to run; write it after --",
    "run 3 --": "there is no command to run; write it after --",
    "run 3 sleep 60": "there is no -- before the command; write: autohealer run 3 -- sleep 60",
    "run --config": "requires an argument; see autohealer run --help",
    "run -- sleep 60": "Missing argument 'N'",
    "run -1 -- sleep 60": "-1 is not a whole number from 0 to 100,000",
    "run 1e9 -- sleep 60": "'1e9' is not a whole number from 0 to 100,000",
    "run ten -- sleep 60": "'ten' is not a whole number from 0 to 100,000",
    "run 1.5 -- sleep 60": "'1.5' is not a whole number",
    "run 99999999999 -- sleep 60": "99999999999 is not a whole number from 0 to 100,000",
    "run 1 2 -- sleep 60": "unexpected extra argument (2)",
    "run 1 --no-such-option -- sleep 60": "No such option",
    "run 1 --stop-timout 3 -- sleep 60": "--stop-timeout",
    "run 1 --stop-timeout soon -- sleep 60": "'soon' is not a number of seconds",
    "run 1 --stop-timeout -1 -- sleep 60": "-1 is not a number of seconds from 0 up",
    "run 1 --stop-timeout nan -- sleep 60": "nan is not a number of seconds",
    "run 1 --backoff-max inf -- sleep 60": "inf is not a number of seconds",
    "run 1 --session-timeout 0 -- sleep 60": "0 is not a number of seconds from 0.4 up",
    "run 1 --stable-after 0 -- sleep 60": "0 is not a number of seconds from 0.001 up",
    "run 1 --stop-signal STOPP -- sleep 60": "'STOPP' is not a signal such as TERM, INT or 15",
    "run 1 --stop-signal 99 -- sleep 60": "'99' is not a signal",
    "run 1 --log-max-bytes 10X -- sleep 60": "'10X' is not a size such as 500K, 10M or 2G",
    "run 1 --log-max-bytes 0 -- sleep 60": "'0' is not a size",
    "run 1 --log nowhere -- sleep 60": "'nowhere' is not one of",
    "run 1 --registration maybe -- sleep 60": "'maybe' is not one of",
    "run 1 --env novalue -- sleep 60": "'novalue' is not of the form K=V",
    "run 1 --max-failures 0 -- sleep 60": "0 is not a whole number from 1 up",
    "run 10 --port-base 65530 -- sleep 60": "--port-base 65530 leaves no ports for 10 workers",
    "run 1 --port-base 0 -- sleep 60": "0 is not a whole number from 1 to 65,535",
    "run 1 -- ./serve {port}": "the command has {port}, and there is no --port-base",
    "run 1 --pool ../up -- sleep 60": "'../up' cannot be the name of a pool",
    "run 1 --pool .hidden -- sleep 60": "'.hidden' cannot be the name of a pool",
    "run 1 --zk localhost:port -- sleep 60": "localhost:port",
    "run 1 --state-dir /dev/null -- sleep 60": "/dev/null",
    "run 1 --state-dir /dev/null/below -- sleep 60": "cannot use the state directory /dev/null/below",
    "run 1 --cwd /no/such/place -- sleep 60": "the working directory /no/such/place does not exist",
    "run 1 --cwd /dev/null -- sleep 60": "the working directory /dev/null is not a directory",
    "run 1 -- no-such-command": "command not found: no-such-command",
    "run 1 -- ./no-such-file": "command not found: ./no-such-file",
    "run 1 -- /etc": "cannot execute /etc: it is a directory",
    "run 1 -- /etc/passwd": "/etc/passwd is not executable; make it so: chmod +x /etc/passwd",
    "status --pool a/b": "'a/b' cannot be the name of a pool",
    "status 3": "unexpected extra argument (3)",
    "status --state-dir /dev/null/below": "cannot read the state directory /dev/null/below",
    "scale": "Missing argument 'N'",
    "scale many": "'many' is not a whole number from 0 to 100,000",
    "scale -1": "-1 is not a whole number from 0 to 100,000",
    "scale -1 --no-wait": "-1 is not a whole number from 0 to 100,000",
    "scale -- -1": "-1 is not a whole number from 0 to 100,000",
    "kill": "Missing argument 'WORKER'",
    "events -n few": "'few' is not a whole number from 0 up",
    "logs x-y": "'x-y' is neither a slot's number nor a worker's id",
    "stop --stop-signal HARD": "'HARD' is not a signal",
    "rnu 10 -- sleep 60": "there is no command rnu; did you mean run?",
    "frobnicate 10 -- sleep 60": "No such command 'frobnicate'",
    "--no-such-option": "No such option",
}


# Those that hold a blank, or nothing.
WRONG_WORDS = [
    (["run", "1", "--pool", "", "--", "sleep", "60"], "'' cannot be the name of a pool"),
    (["status", "--pool", ""], "'' cannot be the name of a pool"),
    (
        ["run", "1", "--zk", "foo bar", "--", "sleep", "60"],
        "'foo bar' is no connection string; write hosts",
    ),
    (["run", "1", "--cwd", "", "--", "sleep", "60"], "an empty text says nothing"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG_WORDS, ids=str)
def test_what_holds_a_blank_or_nothing(processes: Processes, arguments: list[str], says: str) -> None:
    """As with the others."""
    answer = processes.run_autohealer(*arguments)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert re.fullmatch(r"error: .+; .+\n", answer.stderr)
    assert says in answer.stderr


@pytest.mark.parametrize(("arguments", "says"), WRONG.items(), ids=str)
def test_it_is_said_in_one_line(processes: Processes, arguments: str, says: str) -> None:
    """On stderr, and nothing else happens."""
    answer = processes.run_autohealer(*arguments.split())

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert re.fullmatch(r"error: .+; .+\n", answer.stderr)
    assert says in answer.stderr


def test_a_script_without_a_first_line(processes: Processes, tmp_path: Path) -> None:
    """A shell would run it; nobody else can."""
    script = tmp_path / "script"
    script.write_text("sleep 1000\n")
    script.chmod(0o755)
    answer = processes.run_autohealer("run", "1", "--", script)
    assert answer.returncode == 2
    assert re.fullmatch(r"error: .+ is neither a program nor a script with a #! line; .+\n", answer.stderr)


def test_a_wrong_value_in_the_environment(processes: Processes) -> None:
    """It is named as what it is."""
    answer = processes.run_autohealer("run", "1", "--", "sleep", "60", env={"AUTOHEALER_STOP_TIMEOUT": "soon"})
    assert answer.returncode == 2
    assert re.fullmatch(r"error: .*--stop-timeout.*'soon' is not a number of seconds.*\n", answer.stderr)


def test_wrong_credentials_are_not_repeated(processes: Processes) -> None:
    """What is wrong with a secret is said without the secret."""
    answer = processes.run_autohealer("run", "1", "--", "sleep", "60", env={"AUTOHEALER_ZK_AUTH": "user:s3cret"})
    assert answer.returncode == 2
    assert "AUTOHEALER_ZK_AUTH is not understood" in answer.stderr
    assert "s3cret" not in answer.stderr


def test_nothing_is_left_of_a_refused_start(processes: Processes) -> None:
    """Neither a folder nor a lock."""
    assert processes.run_autohealer("run", "1", "--", "no-such-command").returncode == 2
    assert not processes.state_dir.exists()


ODD = [("{}",), ("status", "{}"), ("status", "--pool", "{}"), ("run", "1", "--", "/no/{}")]


@pytest.mark.parametrize("order", ["\x1b[2J", "\u202e", "\u2066", "\u200f", "\u061c"])
@pytest.mark.parametrize(
    "arguments", [("{}",), ("status", "{}"), ("status", "--pool", "{}"), ("run", "1", "--", "/no/{}")]
)
def test_what_a_terminal_would_obey_is_not_repeated_as_it_is(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    order: str,
    arguments: tuple[str, ...],
) -> None:
    """It may have been copied from somewhere."""
    monkeypatch.setenv("AUTOHEALER_STATE_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        main([argument.format(f"a{order}b") for argument in arguments])

    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert order not in said


@pytest.mark.parametrize("command", ["--help", "config schema", "services --help", "completion bash"])
def test_an_output_that_takes_nothing_is_one_line(processes: Processes, command: str) -> None:
    """As a full disk is, for which /dev/full stands."""
    answer = processes.run("sh", "-c", f"autohealer {command} > /dev/full")
    assert answer.returncode == 1
    assert answer.stderr == "error: cannot write the output: No space left on device; make room where it goes\n"


def test_a_console_that_cannot_show_a_character(processes: Processes) -> None:
    """Shows another one in its place."""
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    answer = processes.run_autohealer("run", "1", "--", "/no/such/pr\u00f6gram\u2713", env=narrow)
    assert processes.run_autohealer("--help", env=narrow).returncode == 0
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert "command not found" in answer.stderr

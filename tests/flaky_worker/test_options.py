"""The command line of the flaky worker."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from flaky_worker.faults import Fault
from flaky_worker.options import parse
from tests.support.processes import Processes


def test_the_default_is_an_exception_after_ten_seconds() -> None:
    """What ``python flaky_worker.py`` alone does."""
    options = parse([], {})

    assert options.weights == {Fault.EXCEPTION: 1.0}
    assert (options.mean_life_s, options.zk, options.session_timeout_s) == (10.0, "localhost:2181", 4.0)


def test_workers_without_a_seed_differ() -> None:
    """The seed is random where none is given."""
    assert parse([], {}).seed != parse([], {}).seed


def test_faults_are_chosen_with_weights() -> None:
    """A weight may be left out."""
    options = parse(["--fault", "exit=2.5,hang, lost-session"], {})

    assert options.weights == {Fault.EXIT: 2.5, Fault.HANG: 1.0, Fault.LOST_SESSION: 1.0}


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_can_be_chosen_and_is_explained(fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name."""
    assert parse(["--fault", fault], {}).weights == {fault: 1.0}
    with pytest.raises(SystemExit):
        parse(["--help"], {})
    assert f"\n  {fault} " in capsys.readouterr().out


def test_none_never_fails() -> None:
    """A steady worker."""
    assert parse(["--fault", "none"], {}).weights == {}


def test_the_environment_chooses_chaos_and_options_override_it() -> None:
    """So ``run N -- python flaky_worker.py`` can stay as it is."""
    environment = {"FLAKY_FAULT": "exit", "FLAKY_SEED": "7", "FLAKY_MEAN_LIFE": "2", "AUTOHEALER_ZK": "zk:1/x"}
    options = parse(["--seed", "8"], environment)

    assert options.weights == {Fault.EXIT: 1.0}
    assert (options.seed, options.mean_life_s, options.zk) == ("8", 2.0, "zk:1/x")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--fault", "sulk"], "no such fault: 'sulk'"),
        (["--fault", ""], "no such fault: ''"),
        (["--fault", "exit=much"], "not a number: 'much'"),
        (["--fault", "exit=0"], "not above 0: 0"),
        (["--mean-life", "-1"], "not above 0: -1"),
        (["--mean-life", "nan"], "not above 0: nan"),
        (["--session-timeout", "inf"], "not above 0: inf"),
        (["--leak-mib", "some"], "invalid int value: 'some'"),
        (["--such"], "unrecognized arguments: --such"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(
    arguments: Sequence[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is wrong and where to look."""
    with pytest.raises(SystemExit) as ended:
        parse(arguments, {})
    said = capsys.readouterr().err

    assert ended.value.code == 2
    assert problem in said
    assert said.count("\n") == 1


def test_help_begins_with_an_example(processes: Processes) -> None:
    """``python -m flaky_worker --help``."""
    helped = processes.run(sys.executable, "-m", "flaky_worker", "--help")

    assert helped.returncode == 0
    assert helped.stdout.startswith("Example:")
    assert helped.stderr == ""

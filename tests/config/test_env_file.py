"""Environment files are read as systemd reads them, and what is in them is not repeated."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.config.env_file import can_be_read_by_others, parse_env_file, read_env_file
from autohealer.errors import UsageError

FILE = r"""
# a comment
; another one
PLAIN=some text
QUOTED="some \"more\" text, $HOME and \n"
SINGLE='a \ and "quotes"'
EMPTY=
 SPACED = around
TWO=one
TWO=two
LINES="first
second"
JOINED=first \
second
MIXED=a"b c"'d'
"""
FOUND = {
    "PLAIN": "some text",
    "QUOTED": r'some "more" text, $HOME and \n',
    "SINGLE": r'a \ and "quotes"',
    "EMPTY": "",
    "SPACED": "around",
    "TWO": "two",
    "LINES": "first\nsecond",
    "JOINED": "first second",
    "MIXED": "ab cd",
}


def test_as_systemd_reads_it() -> None:
    assert parse_env_file(FILE, "file") == FOUND


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), st.text(st.characters(
    exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)))  # fmt: skip
def test_what_is_quoted_comes_back(variables: dict[str, str]) -> None:
    """As a shell would quote it, too."""
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())

    assert parse_env_file(text, "file") == variables


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A=1\nexport B=s3cret\n", "file:2: this is not of the form K=V"),
        ("s3cret\n", "file:1: this is not of the form K=V"),
        ("A='s3cret\n", "file:1: A: a quotation is not closed"),
    ],
)
def test_a_mistake_is_named_without_what_stands_there(text: str, says: str) -> None:
    with pytest.raises(UsageError) as found:
        parse_env_file(text, "file")
    assert str(found.value) == says
    assert "s3cret" not in str(found.value) + found.value.hint


def test_who_can_change_it_could_choose_what_runs(tmp_path: Path) -> None:
    """So a file that everybody can write is refused; one that everybody can read is only told of."""
    file = tmp_path / "env"
    file.write_text("A=1\n")
    file.chmod(0o604)

    assert read_env_file(str(file)) == {"A": "1"}
    assert can_be_read_by_others(str(file))
    file.chmod(0o602)
    with pytest.raises(UsageError, match="can be changed by everybody"):
        read_env_file(str(file))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_env_file(str(tmp_path / "missing"))


def test_what_can_be_read_only_once_is_refused(tmp_path: Path) -> None:
    """It is read for the check, for each start and each reload, and nobody may write to a pipe any more."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no regular file"):
        read_env_file(str(tmp_path / "pipe"))

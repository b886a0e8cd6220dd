"""Files of variables, quoted as in systemd's EnvironmentFile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.errors import UsageError
from autohealer.processes.launch.env_file import parse_env_file, read_env_file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("# no\n; no\n\n  A = x y  \n", {"A": "x y"}),
        ("A='x  #y'\n", {"A": "x  #y"}),
        ('A="a \\"b\\" \\$c \\\\ \\n"\n', {"A": 'a "b" $c \\ \\n'}),
        ("A='it\\s'\n", {"A": "it\\s"}),
        ("A='two\nlines'\nB=1", {"A": "two\nlines", "B": "1"}),
        ("A=one \\\n  two\n", {"A": "one   two"}),
        ('A="one \\\ntwo"\n', {"A": "one two"}),
        ("A=a\\ b\\\\\n", {"A": "a b\\"}),
        ("A=' '\nB=\nC=\"\"\n", {"A": " ", "B": "", "C": ""}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A=pre' mid 'post\r\n", {"A": "pre mid post"}),
        ("A=x=y#z\n", {"A": "x=y#z"}),
        ("A=$HOME `id`\n", {"A": "$HOME `id`"}),
    ],
)
def test_what_a_file_says(text: str, expected: dict[str, str]) -> None:
    """Nothing is expanded, and nothing is run."""
    assert parse_env_file(text) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("A=1\nexport B=2\n", "line 2: there is no NAME= in it"),
        ("nonsense\n", "line 1: there is no NAME= in it"),
        ("A='x\ny\n", "line 1: the quote is not closed"),
        ("1A=x\n", "line 1: there is no NAME= in it"),
        ("A=\0\n", "line 1: there is a NUL character in it"),
    ],
)
def test_what_makes_no_sense(text: str, error: str) -> None:
    """The line is named."""
    with pytest.raises(ValueError, match=error):
        parse_env_file(text)


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(st.characters(exclude_characters="'\0\r")))
)
def test_whatever_is_quoted_is_kept(values: dict[str, str]) -> None:
    """Nothing is special within single quotes."""
    assert parse_env_file("\n".join(f"{name}='{value}'" for name, value in values.items())) == values


@given(st.text())
def test_any_text_is_variables_or_a_message(text: str) -> None:
    """Whatever stands in it."""
    problem, found = "line ", {}
    try:
        found = parse_env_file(text)
    except ValueError as error:
        problem = str(error)

    assert problem.startswith("line ")
    assert all("\0" not in value for value in found.values())


def test_a_file_that_cannot_be_had(tmp_path: Path) -> None:
    """One line, that names it."""
    path = tmp_path / "env"
    with pytest.raises(UsageError, match="cannot read"):
        read_env_file(str(path))
    with pytest.raises(UsageError, match="no regular file"):
        read_env_file(str(tmp_path))
    path.write_bytes(b"A=\xff")
    with pytest.raises(UsageError, match="UTF-8"):
        read_env_file(str(path))
    path.write_text("A")
    with pytest.raises(UsageError, match="line 1"):
        read_env_file(str(path))
    path.chmod(0o666)
    with pytest.raises(UsageError, match="others may write"):
        read_env_file(str(path))

"""The line of a key in a TOML file, however the file is written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autohealer.config.source import KeyPath
from autohealer.config.toml_file import key_lines, read
from autohealer.errors import UsageError

FILE = '''# a comment = 1
[defaults]
env = { LEVEL = "debug", "odd name" = 1 }

[pools.web]
command = """
[pools.web]
workers = 7
"""
workers = 3
"stop-timeout" = 5

[pools."my pool"]  # with a blank
after = [
  "web",  # [pools.x]
  "db",
]
pools.inner.workers = 1

[[notify]]
on = ["held"]
[[notify]]
exec = ["a"]
'''
LINES: dict[KeyPath, int] = {
    ("defaults",): 2,
    ("defaults", "env"): 3,
    ("defaults", "env", "odd name"): 3,
    ("pools", "web"): 5,
    ("pools", "web", "command"): 6,
    ("pools", "web", "workers"): 10,
    ("pools", "web", "stop-timeout"): 11,
    ("pools", "my pool"): 13,
    ("pools", "my pool", "after"): 14,
    ("pools", "my pool", "pools", "inner", "workers"): 18,
    ("notify", 0): 20,
    ("notify", 0, "on"): 21,
    ("notify", 1, "exec"): 23,
}


def test_every_key_has_its_line() -> None:
    """In texts and arrays over several lines nothing is taken for a key."""
    found = key_lines(FILE)

    assert {path: found.get(path) for path in LINES} == LINES
    assert ("pools", "x") not in found


KEYS = st.text(st.sampled_from("abc-_ .\"'#=[]"), min_size=1, max_size=6)
VALUES = st.integers() | st.booleans() | st.text(st.sampled_from("a\"'\n#[]="), max_size=8)


@given(st.lists(st.tuples(KEYS, VALUES, st.integers(0, 3)), unique_by=lambda entry: entry[0], max_size=8))
def test_whatever_the_keys_and_values_are(entries: list[tuple[str, object, int]]) -> None:
    """The line that is told is the one that the key was written into."""
    lines: list[str] = []
    written: dict[str, int] = {}
    for key, value, blank in entries:
        lines += [""] * blank
        written[key] = len(lines) + 1
        lines.append(f"{quoted(key)} = {quoted(value)}")
    text = "\n".join(lines)

    assert tomllib.loads(text) == {key: value for key, value, _ in entries}
    assert key_lines(text) == {(key,): line for key, line in written.items()}


def quoted(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value).lower()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a = 1\nb = \n", ":2: this is no TOML: Invalid value"),
        ("[a\n", ":1: this is no TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\na = 2\n", ":2: this is no TOML: Cannot overwrite a value"),
        ('a = """\nopen', ":2: this is no TOML: "),
    ],
)
def test_what_is_no_toml_has_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)

    with pytest.raises(UsageError) as found:
        read(file)
    assert str(found.value).startswith(f"{file}{says}")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, and what is no text."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    for name, says in (("missing", "No such file"), ("", "Is a directory"), ("binary", "no text in UTF-8")):
        with pytest.raises(UsageError, match=says):
            read(tmp_path / name)

"""The secret: given, or made and kept where only its owner can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.errors import UsageError
from autohealer.web.token import Token, from_environment, from_file


def test_from_the_environment() -> None:
    """As it is given."""
    token = from_environment({"AUTOHEALER_HTTP_TOKEN": "0123456789abcdef"})
    assert token is not None
    assert token.matches("0123456789abcdef")
    assert not token.matches("0123456789abcdeF")
    assert not token.matches("")
    assert from_environment({}) is None
    assert from_environment({"AUTOHEALER_HTTP_TOKEN": ""}) is None


@pytest.mark.parametrize(
    "secret", ["short", "with blanks in between", "tab\tin the middle of it", "ümläute-ümläute", "x" * 600]
)
def test_one_that_will_not_do(secret: str) -> None:
    """Too easily guessed, or not to be sent in a header; the message does not repeat it."""
    with pytest.raises(UsageError) as caught:
        from_environment({"AUTOHEALER_HTTP_TOKEN": secret})
    assert secret not in str(caught.value)


def test_it_is_not_shown() -> None:
    """Whoever prints it sees where it is."""
    assert repr(Token("0123456789abcdef", "here")) == "Token(here)"


def test_made_once(tmp_path: Path) -> None:
    """For its owner alone, and the same from then on."""
    path = tmp_path / "http-token"
    token = from_file(path)
    secret = path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(secret) >= 40
    assert token.matches(secret)
    assert from_file(path).matches(secret)
    assert token.source == str(path)
    assert list(tmp_path.iterdir()) == [path]


def link(path: Path, target: Path) -> None:
    """Put a link in the place of a file."""
    path.unlink()
    path.symlink_to(target)


def test_made_anew_where_it_cannot_be_trusted(tmp_path: Path) -> None:
    """Others could read it; it is empty, cut off, or somewhere else."""
    path, elsewhere = tmp_path / "http-token", tmp_path / "elsewhere"
    elsewhere.write_text("0123456789abcdef-elsewhere\n")
    elsewhere.chmod(0o600)
    for spoil in (
        lambda: path.chmod(0o640),
        lambda: path.write_text(""),
        lambda: path.write_text("short"),
        lambda: link(path, elsewhere),
    ):
        from_file(path)
        former = path.read_text()
        spoil()
        token = from_file(path)
        assert not token.matches(former.strip())
        assert not token.matches("0123456789abcdef-elsewhere")
        assert not path.is_symlink()
        assert path.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """It is an error of the system's."""
    with pytest.raises(OSError, match="No such file"):
        from_file(tmp_path / "nowhere" / "http-token")

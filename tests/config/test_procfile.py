"""A Procfile is a configuration: a pool a line, with the ports that foreman gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.config.load import load
from autohealer.config.procfile import is_procfile, words
from autohealer.errors import UsageError

COMMANDS = {
    "python worker.py --level 'very high'": ["python", "worker.py", "--level", "very high"],
    "bundle exec puma -p $PORT": ["/bin/sh", "-c", "exec bundle exec puma -p $PORT"],
    "RAILS_ENV=production bin/rails s": ["/bin/sh", "-c", "RAILS_ENV=production exec bin/rails s"],
    "cat a | sort": ["/bin/sh", "-c", "cat a | sort"],
    "cd web && npm start": ["/bin/sh", "-c", "cd web && npm start"],
    "exec ./serve $PORT": ["/bin/sh", "-c", "exec ./serve $PORT"],
    "./serve > log": ["/bin/sh", "-c", "exec ./serve > log"],
    "for i in 1 2; do x; done": ["/bin/sh", "-c", "for i in 1 2; do x; done"],
    "echo $(date)": ["/bin/sh", "-c", "echo $(date)"],
}


@pytest.mark.parametrize(("command", "expected"), COMMANDS.items())
def test_a_shell_only_where_one_is_needed(command: str, expected: list[str]) -> None:
    """One simple command takes its place, so that the stop signal reaches it."""
    assert words(command) == expected


def test_each_line_is_a_pool(tmp_path: Path) -> None:
    """With the next hundred of ports, and the variables of the file beside it."""
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".env").chmod(0o600)
    file = tmp_path / "Procfile"
    file.write_text("# all of it\nweb: ./serve $PORT\n\njob:  sleep 60\n")

    pools = load(file, {}).configuration.pools
    shifted = load(file, {"AUTOHEALER_PORT_BASE": "7000", "AUTOHEALER_STOP_TIMEOUT": "3"}).configuration.pools

    assert [(pool.pool, pool.workers, pool.port_base) for pool in pools] == [("web", 1, 5000), ("job", 1, 5100)]
    assert pools[1].command == ("sleep", "60")
    assert {pool.env_file for pool in pools} == {str(tmp_path / ".env")}
    assert {pool.cwd for pool in pools} == {str(tmp_path)}
    assert [(pool.port_base, pool.stop_timeout) for pool in shifted] == [(7000, 3), (7100, 3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("web: a\nno colon\n", ":2: this is not of the form NAME: COMMAND"),
        ("web:\n", ":1: this is not of the form NAME: COMMAND"),
        ("web: a\nweb: b\n", ":2: there are two lines for web"),
        ("# nothing\n", ": there are no pools in it"),
        ("-x/y: a\n", ":1: this is not of the form"),
        ("web: sleep 'x\n", ":1: a quotation is not closed"),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "Procfile"
    file.write_text(text)

    with pytest.raises(UsageError) as found:
        load(file, {})
    assert str(found.value).startswith(f"{file}{says}")


def test_by_its_name() -> None:
    names = ["Procfile", "Procfile.dev", "web.procfile", "Procfile.toml", "autohealer.toml", "procs"]
    assert [is_procfile(Path(name)) for name in names] == [True, True, True, False, False, False]

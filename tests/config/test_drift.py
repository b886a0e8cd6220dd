"""Whether a file still says what runs."""

from __future__ import annotations

from pathlib import Path

from autohealer.config.diff import difference
from autohealer.config.drift import Drift, drift_of, invalid
from autohealer.config.load import load
from autohealer.config.schema import Configuration
from autohealer.errors import UsageError

FILE = '[pools.web]\ncommand = "a"\nworkers = 1\n[pools.db]\ncommand = "a"\nworkers = 1\n'


def drift(running: Configuration) -> Drift:
    """What has become of the file that this was read from."""
    file = str(running.file)
    try:
        return drift_of(file, difference(running, load(file, {}, running.typed).configuration))
    except UsageError as error:
        return invalid(file, error)


def test_what_has_become_of_the_file(tmp_path: Path) -> None:
    """The same; the same in other words; another; one that does not hold; gone."""
    file = tmp_path / "a.toml"
    file.write_text(FILE)
    running = load(file, {}).configuration

    def now(text: str | None) -> tuple[str, str | None]:
        file.unlink() if text is None else file.write_text(text)
        found = drift(running)
        assert found.file == str(file)
        return found.state, found.detail

    assert now(FILE) == ("same", None)
    assert now(f"# a comment\n{FILE}") == ("same", None)
    assert now(FILE.replace("workers = 1\n[", "workers = 2\n[")) == (
        "differs",
        "pool web: see `autohealer reload --dry-run`",
    )
    assert now(f"[defaults]\nhttp = '127.0.0.1:1'\n{FILE.replace('db', 'new')}") == (
        "differs",
        "the agent, pool new, pool db: see `autohealer reload --dry-run`",
    )
    assert now(f"{FILE}wrokers = 1") == ("invalid", f"{file}:7: pools.db.wrokers is not known; did you mean workers?")
    assert now(None) == (
        "invalid",
        f"cannot read {file}: No such file or directory; name another file with --config",
    )


def test_what_was_typed_beside_it_still_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(FILE)

    assert drift(load(file, {}, {"http": "127.0.0.1:1"}).configuration) == Drift(str(file), "same", None)

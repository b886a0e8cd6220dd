"""docs/configuration.md says what the options are, and what it shows holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from autohealer.config.load import load
from autohealer.config.schema import FIELDS
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "configuration.md"


def test_the_page_is_of_these_options(tmp_path: Path) -> None:
    """After a change on purpose: make texts."""
    copy = tmp_path / "configuration.md"
    copy.write_text(PAGE.read_text())
    subprocess.run([sys.executable, ROOT / "docs" / "make_reference.py", copy], check=True)

    assert copy.read_text() == PAGE.read_text(), "the page is of another day: make texts"


def test_every_option_is_there() -> None:
    """By its name on the command line, or in a file where it has none."""
    text = PAGE.read_text()
    assert [field.key for field in FIELDS.values() if not re.search(rf"\*\*`(--)?{field.key}[ `]", text)] == []


def test_the_example_holds(tmp_path: Path) -> None:
    """The file that people copy."""
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "db").mkdir()
    (tmp_path / "db.env").write_text("A=1\n")
    (tmp_path / "db.env").chmod(0o600)
    (tmp_path / "a.toml").write_text(example[1])

    loaded = load(tmp_path / "a.toml", {})

    assert [pool.pool for pool in loaded.configuration.pools] == ["web", "db"]
    assert loaded.warnings == []

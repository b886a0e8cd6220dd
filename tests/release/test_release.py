"""What is released: the wheel and the source archive, installed as a user would, on each Python that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.processes import ROOT

# Installing takes as long as the machine's disk and network want.
PATIENCE_S = 300.0
NEWEST = 20
# A pool that heals once and ends, in the user's own words.
HEALS = """
import os, signal, sys
from pathlib import Path
from autohealer.testing import PoolUnderTest

with PoolUnderTest(2, "sleep", "1000", folder=Path(sys.argv[1])) as pool:
    assert pool.kill(0) is not None
    pool.wait_for(lambda: pool.heals_ms, "a heal")
    pool.check()
"""


def pythons() -> list[str]:
    """The Python that runs the tests, and the newest later one on PATH that can make a virtual environment."""
    for minor in range(NEWEST, sys.version_info.minor, -1):
        # Where versions are managed, that on PATH may be a stand-in, which wants to be told which one is meant.
        environ = {**os.environ, "PYENV_VERSION": f"3.{minor}"}
        for folder in os.get_exec_path():
            if (python := shutil.which(f"python3.{minor}", path=folder)) is not None:
                asked = [python, "-c", "import ensurepip, sys; print(sys.executable)"]
                done = subprocess.run(asked, env=environ, capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    return [sys.executable, done.stdout.strip()]
    return [sys.executable]


PYTHONS = pythons()


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives, built from a copy of what git has."""
    folder = tmp_path_factory.mktemp("release")
    run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT)
    return folder / "dist"


def run(*command: object, cwd: Path | None = None) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("python", PYTHONS, ids=["own", "newest"][: len(PYTHONS)])
def test_the_wheel_works_where_nothing_else_is(released: Path, tmp_path: Path, python: str) -> None:
    run(python, "-m", "venv", tmp_path / "venv")
    bin_folder = tmp_path / "venv" / "bin"
    (wheel,) = released.glob("*.whl")
    run(bin_folder / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    assert run(bin_folder / "autohealer", "--version", cwd=tmp_path).startswith("autohealer, version ")
    run(bin_folder / "python", "-c", HEALS, tmp_path / "state", cwd=tmp_path)
    assert (tmp_path / "venv" / "share" / "man" / "man1" / "autohealer.1").exists()


def test_the_archives_hold_what_they_should(released: Path) -> None:
    (wheel,), (source,) = released.glob("*.whl"), released.glob("*.tar.gz")
    packed = zipfile.ZipFile(wheel).namelist()
    assert "autohealer/py.typed" in packed
    assert not [name for name in packed if name.startswith(("tests/", "docs/"))]
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tests/conftest.py"} <= names
    assert not [name for name in names if name.startswith((".venv", "dist"))]

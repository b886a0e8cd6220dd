"""The lock file names all that development needs."""

from __future__ import annotations

import re
import tomllib

from tests.support.processes import ROOT

NAME = re.compile(r"[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for some in project["optional-dependencies"].values() for one in some)]
    needed = {normal(found[0]) for one in wanted if (found := NAME.match(one))} - {"autohealer"}
    lines = [line for line in (ROOT / "requirements-dev.lock").read_text().splitlines() if not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert needed <= {normal(line.partition("==")[0]) for line in lines}

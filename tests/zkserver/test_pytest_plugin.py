"""The fixture that other people's tests use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest
from kazoo.client import KazooClient


@pytest.mark.parametrize("again", [False, True])
def test_each_gets_an_empty_server(zookeeper, again):
    client = KazooClient(hosts=zookeeper.hosts)
    client.start()
    assert client.create("/mine") == "/mine"
    client.stop()
    client.close()
"""


def test_fixture_is_there_wherever_the_package_is_installed(tmp_path: Path) -> None:
    """Without a word in their configuration; every test has a server of its own."""
    (tmp_path / "test_theirs.py").write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert "2 passed" in done.stdout, done.stdout


def test_plugin_costs_projects_that_do_not_use_it_next_to_nothing() -> None:
    """The server is not imported before a test asks for it."""
    program = "import sys, autohealer.zkserver.pytest_plugin; print('autohealer.zkserver.engine' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_server_brings_in_little() -> None:
    """A supervisor of 40 MB has room for it; and one that starts is not to wait for imports."""
    program = """
import sys
from autohealer.zkserver import ZooKeeperServer
ZooKeeperServer().start()
print(sorted({"asyncio", "ssl", "_hashlib", "dataclasses", "inspect", "pathlib", "json"} & sys.modules.keys()))
"""

    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert done.stdout == "[]\n"

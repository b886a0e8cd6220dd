"""The pools of a host, asked one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.runtime.state_dir import StateDir
from autohealer.tui import pools
from autohealer.tui.pools import PoolsOfHost
from autohealer.tui.state import PoolState


@pytest.mark.parametrize(("failure", "asked"), [(TimeoutError, ["a"]), (ConnectionRefusedError, ["a", "b", "c"])])
def test_a_frozen_process_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[OSError], asked: list[str]
) -> None:
    """Thirty pools of it would take a minute otherwise; one that has ended says nothing of the others."""
    folders = [StateDir(tmp_path, name) for name in "abc"]
    heard: list[str] = []

    def state(folder: StateDir) -> PoolState:
        heard.append(folder.pool)
        raise failure

    monkeypatch.setattr(pools, "_state", state)
    for folder in folders:
        folder.create()
        folder.lock()
    try:
        found = PoolsOfHost(tmp_path).look()
    finally:
        for folder in folders:
            folder.unlock()

    assert [(pool.name, pool.state) for pool in found] == [("a", None), ("b", None), ("c", None)]
    assert heard == asked

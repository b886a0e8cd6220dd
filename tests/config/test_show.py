"""What is shown of a configuration is itself one that holds, and says the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autohealer.config.json_schema import json_schema
from autohealer.config.load import IN_DEFAULTS, IN_POOL, Loaded, load
from autohealer.config.schema import AgentOptions, Configuration, PoolOptions
from autohealer.config.show import HIDDEN, toml_lines

FILE = """
[defaults]
http = "127.0.0.1:8080"
http-host = ["a.example", "b.example"]
dashboard = false
stop-timeout = "90s"
[pools.web]
workers = 3
shell = true
command = "exec python -m http.server \\"$PORT\\""
port-base = 8000
env = { LEVEL = "s3cret" }
after = ["db"]
[pools.db]
workers = 0
command = ["sleep", "a b"]
stop-timeout = 1.5
log-max-bytes = 1000
"""


def shown(directory: Path, text: str, **how: Any) -> str:
    file = directory / "autohealer.toml"
    file.write_text(text)
    return "\n".join(toml_lines(load(file, {"AUTOHEALER_BACKOFF_MAX": "2m"}), **how)) + "\n"


def test_it_can_be_loaded_again(tmp_path: Path) -> None:
    """And says the same, but for environments."""
    text = shown(tmp_path, FILE)
    (tmp_path / "again.toml").write_text(text)
    first = load(tmp_path / "autohealer.toml", {"AUTOHEALER_BACKOFF_MAX": "2m"}).configuration
    again = load(tmp_path / "again.toml", {}).configuration

    assert again.agent == first.agent
    assert again.pools[1] == first.pools[1]
    assert again.pools[0].command == first.pools[0].command
    assert "s3cret" not in text


def test_where_values_come_from(tmp_path: Path) -> None:
    lines = shown(tmp_path, FILE, with_origin=True).splitlines()

    def origin(of: str) -> str:
        return next(line for line in lines if line.startswith(of)).rpartition("# ")[2]

    assert origin("stop-timeout") == "[defaults]"
    assert origin("backoff-max") == "AUTOHEALER_BACKOFF_MAX"
    assert origin("workers") == "[pools.web]"
    assert origin("session-timeout") == "default"


@given(st.lists(st.text(min_size=1, max_size=10).filter(lambda word: "\0" not in word), min_size=1))
def test_any_command_is_toml(words: list[str]) -> None:
    """Whatever characters it has, as long as TOML can hold them."""
    words = [word.encode("utf-8", "replace").decode() for word in words]
    pool = PoolOptions(pool="a", workers=1, command=tuple(words), env={"A B": "x"})
    found = Loaded(Configuration(agent=AgentOptions(), pools=(pool,)), {}, {"a": {}}, [])

    read = tomllib.loads("\n".join(toml_lines(found)))["pools"]["a"]

    assert read["command"] == words
    assert read["env"] == {"A B": HIDDEN}


def test_the_json_schema_has_every_key() -> None:
    """And JSON can hold it."""
    schema: Any = json.loads(json.dumps(json_schema()))
    pool = schema["properties"]["pools"]["additionalProperties"]

    assert pool["properties"].keys() == IN_POOL.keys()
    assert schema["properties"]["defaults"]["properties"].keys() == IN_DEFAULTS.keys()
    assert pool["properties"]["workers"]["maximum"] == 100_000
    assert pool["properties"]["log"]["enum"][0] == "file"
    assert pool["properties"]["stop-timeout"] == {
        "type": ["string", "number"],
        "description": "How long it has before SIGKILL.",
        "default": "10",
    }

"""What a file says is understood as it is meant, or refused with its file, line and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.config.kinds import Choice, Duration, Flag, Integer, Kind, Size
from autohealer.config.load import IN_DEFAULTS, IN_POOL, load
from autohealer.config.schema import POOL_FIELDS
from autohealer.config.special_kinds import CountOrPart
from autohealer.errors import UsageError

FILE = """
[defaults]
stop_timeout = "5s"
env = { LEVEL = "info", ZONE = "a" }
http = "127.0.0.1:8080"
state-dir = "state"

[pools.web]
command = "python -m http.server {port}"
workers = 3
port-base = 8000
env = { LEVEL = "debug", N = 1 }
after = ["db"]

[pools.db]
workers = 1
command = ["sleep", "1000"]
stop-timeout = 3.5
cwd = "data"
"""
# What is wrong, and what is said of it after the file's name.
WRONG = {
    "": ": there are no pools in it; write a table such as [pools.web]",
    "[pool.web]": ":1: pool is not known; did you mean pools?",
    "pools = 3": ":1: pools is not a table; write it as [pools]",
    "[pools]\nweb = 3": ":2: pools.web is not a table; write it as [pools.web]",
    "[pools.web]\nworkers = 1": ':1: pool web has no command; add it, as in: command = "python worker.py"',
    '[pools.web]\ncommand = "a"': ":1: pool web has no workers; add it, as in: workers = 3",
    '[pools."a b"]\nworkers = 1': ":1: 'a b' cannot be the name of a pool; use at most 64 letters, digits,",
    "[defaults]\nstop-timeut = 3\n[pools.a]": ":2: defaults.stop-timeut is not known; did you mean stop-timeout?",
    "[defaults]\nafter = ['a']\n[pools.a]": ":2: defaults.after is not known;",
}
WRONG_NOTIFY = {
    "on = ['held']": ":4: this notify says nothing of where to; give one of webhook, url-file and exec",
    "exec = ['x']": ":4: this notify says nothing of what; add it, as in: on",
    "on = ['held']\nexec = 'x'\nwebhook = 'y'": ":4: webhook and exec in one notify; give one of",
    "on = ['hold']\nexec = 'x'": ":5: notify.0.on: 'hold' is not one of crash-loop, held,",
    "on = ['held']\nexec = 'x'\nevry = 3": ":7: notify.0.evry is not known; did you mean every?",
}
WRONG_KEYS = {
    "workers = 'many'": ":4: pools.a.workers: 'many' is not a whole number from 0 to 100,000",
    "workers = true": ":4: pools.a.workers: true is not a whole number from 0 to 100,000",
    "workers = 1.5": ":4: pools.a.workers: '1.5' is not a whole number from 0 to 100,000",
    "stop_timeut = 3": ":4: pools.a.stop_timeut is not known; did you mean stop-timeout?",
    "stop-timeout = -1": ":4: pools.a.stop-timeout: -1 is not a number of seconds from 0 up",
    "stop-timeout = [1]": ":4: pools.a.stop-timeout: an array is not a number of seconds, nor a duration",
    "stop-timeout = 1\nstop_timeout = 2": ":5: pools.a: stop-timeout and stop_timeout are the same key; write it once",
    "zk = 'x'": ":4: pools.a.zk is not known; it concerns the whole agent: write it in [defaults]",
    "frob = 1": ":4: pools.a.frob is not known; see docs/configuration.md",
    "env = 'A=1'": ':4: pools.a.env: this is a table, as in: env = { LEVEL = "debug" }',
    "env = { A = true }": ":4: pools.a.env: the value of A is not a text",
    "limit = { frob = 1 }": ":4: pools.a.limit: there is no limit 'frob'; there are ",
    "env = ['A']": ":4: pools.a.env: 'A' is not of the form K=V",
    "env = { '' = 1 }": ":4: pools.a.env: '' cannot be the name of a variable",
    "after = 'b'": ':4: pools.a.after: this is an array, as in: after = ["db"]',
    "after = ['b']": ":4: pools.a.after: there is no pool b to wait for; name one of: a",
    "after = ['a']": ":4: pools.a.after: a pool waits for itself: a -> a; take one of them out",
    "shell = true": ":3: pools.a.command: with shell = true this is one text",
    "log = 'nowhere'": ":4: pools.a.log: 'nowhere' is not one of file, stdout",
    "port-base = 65_535\nworkers = 2": ":2: pool a: --port-base 65535 leaves no ports for 2 workers; begin lower",
    "env-file = 'missing'": ":2: pool a: the env-file DIRECTORY/missing cannot be read: No such file or directory;",
}


def loaded(directory: Path, text: str, environ: dict[str, str] | None = None, **typed: object) -> Any:
    file = directory / "autohealer.toml"
    file.write_text(text)
    return load(file, environ or {}, typed)


def refusal(directory: Path, text: str) -> str:
    with pytest.raises(UsageError) as found:
        loaded(directory, text)
    return f"{found.value}; {found.value.hint}".removeprefix(str(directory / "autohealer.toml"))


def test_what_a_file_says(tmp_path: Path) -> None:
    """Nearer tables count, environments add up, paths are relative to the file."""
    configuration = loaded(tmp_path, FILE).configuration
    web, db = configuration.pools

    assert (web.pool, web.workers, web.command) == ("web", 3, ("python", "-m", "http.server", "{port}"))
    assert (web.stop_timeout, db.stop_timeout) == (5.0, 3.5)
    assert (web.env, db.env) == ({"LEVEL": "debug", "ZONE": "a", "N": "1"}, {"LEVEL": "info", "ZONE": "a"})
    assert (web.cwd, db.cwd) == (str(tmp_path), str(tmp_path / "data"))
    assert web.after == ("db",)
    assert configuration.agent.http == "127.0.0.1:8080"
    assert configuration.agent.state_dir == str(tmp_path / "state")


def test_what_is_nearer_counts(tmp_path: Path) -> None:
    """The command line before the environment, and both before the file; each value knows where it comes from."""
    environ = {"AUTOHEALER_STOP_TIMEOUT": "1m", "AUTOHEALER_HTTP": "127.0.0.1:1", "AUTOHEALER_POOL": "other",
               "AUTOHEALER_ENV": "LEVEL=warn", "AUTOHEALER_WORKERS": "/workers", "AUTOHEALER_CAPACITY": ""}  # fmt: skip
    found = loaded(tmp_path, FILE, environ, http="127.0.0.1:2")
    web = found.configuration.pools[0]

    assert (web.pool, web.workers, web.stop_timeout, web.capacity) == ("web", 3, 60, None)
    assert web.env == {"LEVEL": "warn", "ZONE": "a", "N": "1"}
    assert found.configuration.agent.http == "127.0.0.1:2"
    assert found.agent_origins["http"] == "command line"
    assert found.pool_origins["web"]["stop_timeout"] == "AUTOHEALER_STOP_TIMEOUT"
    assert found.pool_origins["web"]["env"] == "AUTOHEALER_ENV, [pools.web], [defaults]"
    assert "backoff_max" not in found.pool_origins["web"]


def test_names_and_their_values(tmp_path: Path) -> None:
    """As a table, or as they would be typed."""
    table = "env = { A = 1, B = 'x=y' }\nlimit = { nofile = 4096 }"
    array = "env = ['A=1', 'B=x=y']\nlimit = ['nofile=4096']"

    for text in (table, array):
        (pool,) = loaded(tmp_path, f"[pools.a]\nworkers = 1\ncommand = 'a'\n{text}\n").configuration.pools
        assert (pool.env, pool.limit) == ({"A": "1", "B": "x=y"}, {"nofile": "4096:4096"})


def test_a_line_for_a_shell(tmp_path: Path) -> None:
    pools = loaded(tmp_path, "[pools.a]\nworkers = 1\nshell = true\ncommand = 'cat x | sort'\n").configuration.pools
    assert pools[0].command == ("/bin/sh", "-c", "cat x | sort")


@pytest.mark.parametrize(("text", "says"), WRONG.items())
def test_what_is_wrong_with_a_file(tmp_path: Path, text: str, says: str) -> None:
    assert refusal(tmp_path, text).startswith(says)


@pytest.mark.parametrize(("lines", "says"), WRONG_KEYS.items())
def test_what_is_wrong_with_a_key(tmp_path: Path, lines: str, says: str) -> None:
    workers = "" if "workers" in lines else "\nworkers = 1"
    text = f"\n[pools.a]\ncommand = ['sleep', '1']\n{lines}{workers}"
    assert refusal(tmp_path, text).startswith(says.replace("DIRECTORY", str(tmp_path)))


def test_who_is_told_of_what(tmp_path: Path) -> None:
    text = """
[pools.a]
workers = 1
command = "a"
[[notify]]
on = ["crash-loop", "recovered"]
url-file = "hook.url"
for = "30s"
[[notify]]
on = ["held"]
exec = "mail -s 'a pool' ops"
every = "1h"
"""
    first, second = loaded(tmp_path, text).configuration.notify

    assert (first.on, first.url_file, first.for_, first.every) == (
        ("crash-loop", "recovered"),
        str(tmp_path / "hook.url"),
        30,
        900,
    )
    assert (second.exec, second.every) == (("mail", "-s", "a pool", "ops"), 3600)


@pytest.mark.parametrize(("lines", "says"), WRONG_NOTIFY.items())
def test_what_is_wrong_with_a_notify(tmp_path: Path, lines: str, says: str) -> None:
    text = f"[pools.a]\nworkers = 1\ncommand = 'a'\n[[notify]]\n{lines}\n"
    assert refusal(tmp_path, text).startswith(says)


def test_a_wrong_value_in_the_environment(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="AUTOHEALER_STOP_TIMEOUT: 'soon' is not a number of seconds"):
        loaded(tmp_path, FILE, {"AUTOHEALER_STOP_TIMEOUT": "soon"})


def test_who_can_read_an_env_file_is_told_of(tmp_path: Path) -> None:
    """Once, however many pools have it."""
    env = tmp_path / "secret env"
    env.write_text("A=1\n")
    env.chmod(0o644)
    text = "[defaults]\nenv-file = 'secret env'\nworkers = 1\ncommand = 'a'\n[pools.a]\n[pools.b]\n"

    assert loaded(tmp_path, text).warnings == [f"other users can read {env}; chmod 600 '{env}'"]
    env.chmod(0o600)
    assert loaded(tmp_path, text).warnings == []


def value_of(kind: Kind[Any]) -> st.SearchStrategy[object]:
    """Values that a kind takes, as they stand in a file."""
    if isinstance(kind, Choice):
        return st.sampled_from(kind.words)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Duration):
        return st.integers(1, 1000) | st.sampled_from(["2s", "3m"])
    if isinstance(kind, Integer):
        return st.integers(kind.least, min(kind.most or 9000, 9000))
    if isinstance(kind, Size):
        return st.sampled_from([1000, "1K", "3M"])
    if isinstance(kind, CountOrPart):
        return st.sampled_from([3, "25%"])
    return st.nothing()


CHOSEN = {key: field for key, field in IN_POOL.items() if not field.option.many and field.field != "shell"}
TABLES = st.fixed_dictionaries(
    {"workers": st.integers(0, 9), "command": st.just(["sleep", "1"])},
    optional={
        key: value_of(field.option.kind)
        for key, field in CHOSEN.items()
        if not value_of(field.option.kind).is_empty and key != "workers"
    },
)


@settings(max_examples=60)
@given(pools=st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), TABLES, min_size=1, max_size=3))
def test_every_value_of_a_file_arrives(tmp_path_factory: pytest.TempPathFactory, pools: dict[str, Any]) -> None:
    """In whichever spelling, unless it makes no sense together with another one."""
    directory = tmp_path_factory.mktemp("load")
    text = "".join(f"[pools.{name}]\n" + "".join(f"{key.replace('-', '_')} = {json.dumps(value)}\n"
                   for key, value in table.items()) for name, table in pools.items())  # fmt: skip
    try:
        found = loaded(directory, text).configuration.pools
    except UsageError as error:
        assert str(error).startswith(f"{directory}/autohealer.toml:")  # noqa: PT017 - one of two good outcomes
        return
    assert [pool.pool for pool in found] == list(pools)
    for pool, table in zip(found, pools.values(), strict=True):
        for key, value in table.items():
            field = IN_POOL[key]
            expected = tuple(value) if field.option.many else field.option.kind.read(value)
            assert getattr(pool, field.field) == expected


@given(st.data())
def test_one_letter_more_is_not_known(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """And the key that was meant is named."""
    directory = tmp_path_factory.mktemp("load")
    key = data.draw(st.sampled_from([key for key in IN_DEFAULTS if len(key) > 3]))
    at = data.draw(st.integers(1, len(key)))
    wrong = f"{key[:at]}q{key[at:]}"

    said = refusal(directory, f"[defaults]\n{wrong} = 1\n[pools.a]\n")

    assert said.startswith(f":2: defaults.{wrong} is not known; did you mean ")


def test_all_options_of_pools_are_keys_of_a_pool() -> None:
    """But its name, which is the table's."""
    assert {field.field for field in IN_POOL.values()} == POOL_FIELDS.keys() - {"pool"}

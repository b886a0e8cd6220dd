"""Files of other supervisors become configurations that hold; what has no equal is said in a comment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autohealer.config.importing.formats import import_file
from autohealer.config.load import load
from autohealer.config.schema import PoolOptions
from autohealer.errors import UsageError

CASES = Path(__file__).parent / "cases"


def imported(file: Path, directory: Path) -> tuple[dict[str, PoolOptions], list[str]]:
    """The pools that a file becomes, and the comments."""
    text = import_file(str(file))
    (directory / "env").write_text("")
    toml = directory / "autohealer.toml"
    # What the cases name and is not here.
    toml.write_text(text.replace("/etc/default/web", str(directory / "env")).replace("{port}", "{slot}"))
    pools = load(toml, {}).configuration.pools
    return {pool.pool: pool for pool in pools}, [line[2:] for line in text.splitlines() if line.startswith("# ")]


def test_supervisord(tmp_path: Path) -> None:
    pools, remarks = imported(CASES / "supervisord.conf", tmp_path)
    web, job, shell = pools["web"], pools["job"], pools["with-env"]

    assert web.command == ("/usr/bin/env", "python", "-m", "http.server", "80{slot}", "--name", "web")
    assert (web.workers, web.restart, web.stable_after, web.max_failures) == (4, "always", 5, 4)
    assert (web.ok_exit, web.stop_signal, web.stop_timeout) == ((0, 2), 3, 20)
    assert (web.cwd, web.log_max_bytes) == (str(CASES / "srv"), 50 * 2**20)
    assert web.env == {"LEVEL": "debug", "PATH": "/srv/bin:%(ENV_PATH)s", "EMPTY": ""}
    assert (job.command, job.workers, job.log) == (("bash", "-c", "cat x | sort"), 0, "none")
    assert job.restart == "on-failure"
    assert shell.command == ("/bin/sh", "-c", 'exec "$HOME"/bin/serve --port 8080')
    assert shell.restart == "never"
    for remark in (
        "command: %(process_num)02d: {slot} is not padded with zeros",
        "environment: %(ENV_PATH)s in PATH: write its value",
        'priority = 999: start order: after = ["OTHER"]',
        "frobnicate = 1: has no equal",
        "autostart = false: none until `autohealer scale N --pool job`",
        "[eventlistener:memmon]: see [[notify]]",
    ):
        assert remark in remarks
    assert not [remark for remark in remarks if "unix_http_server" in remark]


def test_an_ecosystem_file(tmp_path: Path) -> None:
    """Its milliseconds are no seconds."""
    pools, remarks = imported(CASES / "ecosystem.json", tmp_path)
    api, worker, sleep = pools["api"], pools["worker"], pools["sleep"]

    assert api.command == ("node", "--max-old-space-size=400", "./server.js", "--port", "{slot}", "--name", "an api")
    assert (api.workers, api.cwd, api.env) == (4, "/srv/api", {"NODE_ENV": "production", "PORT": "3000"})
    assert (api.stop_timeout, api.stable_after, api.max_failures, api.max_rss) == (3, 10, 10, 300 * 2**20)
    assert (worker.command, worker.restart, worker.ok_exit) == (
        ("/usr/bin/python3", "worker.py"),
        "on-failure",
        (0, 3),
    )
    assert (sleep.command, sleep.restart) == (("/usr/bin/sleep", "1000"), "never")
    assert any(remark.startswith('cron_restart = "0 3 * * *": max-age') for remark in remarks)
    assert any(remark.startswith("env_staging:") for remark in remarks)
    assert not [remark for remark in remarks if remark.startswith("watch")]


def test_what_pm2_lists(tmp_path: Path) -> None:
    """Instances are entries of their own; the environment of pm2 itself is not taken over."""
    pools, remarks = imported(CASES / "prettylist.json", tmp_path)

    assert pools["api"].command == ("node", "/srv/api/server.js", "--port", "1")
    assert (pools["api"].workers, pools["api"].stop_timeout, pools["api"].cwd) == (2, 1.6, "/srv/api")
    assert (pools["tool"].command, pools["tool"].workers) == (("/usr/local/bin/tool",), 1)
    assert "s3cret" not in "".join(remarks)


@pytest.mark.parametrize(
    ("instances", "workers"),
    [("max", os.cpu_count()), (0, os.cpu_count()), (-1, max(1, (os.cpu_count() or 1) - 1)), ("3", 3)],
)
def test_instances_by_processors(tmp_path: Path, instances: object, workers: int) -> None:
    file = tmp_path / "ecosystem.json"
    file.write_text(json.dumps([{"name": "a", "script": "a.js", "instances": instances}]))

    assert imported(file, tmp_path)[0]["a"].workers == workers


def test_a_systemd_unit(tmp_path: Path) -> None:
    pools, remarks = imported(CASES / "web@.service", tmp_path)
    web = pools["web"]

    assert web.command == ("/usr/bin/serve", "--port", "80%i", "--name", "a name")
    assert (web.workers, web.restart, web.ready, web.ok_exit) == (1, "on-failure", "notify", (0, 143, "SIGHUP"))
    assert (web.stop_signal, web.stop_timeout, web.start_timeout, web.beat_timeout) == (2, 90, 60, 30)
    assert web.env == {"LEVEL": "debug", "NAME": "with blank", "ONE": "1"}
    assert (web.cwd, web.env_file, web.kill_rss) == ("/srv/web", str(tmp_path / "env"), 2 * 2**30)
    for remark in (
        "%i in ExecStart: {slot} is the number of a worker",
        "Restart=on-abnormal: taken as on-failure",
        "TimeoutStartSec=infinity: without a bound: choose start-timeout, or leave its default",
        "PrivateTmp=yes: has no equal",
        "WantedBy=multi-user.target: see `autohealer systemd-unit`",
        "EnvironmentFile=-/etc/default/web: the file has to be there",
    ):
        assert remark in remarks


def test_a_plain_unit_is_not_restarted(tmp_path: Path) -> None:
    """As systemd does not."""
    pools, _ = imported(CASES / "plain.service", tmp_path)
    assert pools["plain"].restart == "never"
    assert pools["plain"].command == ("/bin/sh", "-c", "exec /bin/sh -c 'echo $HOME'")


def test_a_procfile(tmp_path: Path) -> None:
    """It says the same as the Procfile does by itself."""
    pools, _ = imported(CASES / "Procfile", tmp_path)
    direct = {pool.pool: pool for pool in load(CASES / "Procfile", {}).configuration.pools}

    assert {name: (pool.command, pool.workers, pool.port_base) for name, pool in pools.items()} == {
        name: (pool.command, pool.workers, pool.port_base) for name, pool in direct.items()
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("ecosystem.config.js", "module.exports = {}", "is code, which is not run here"),
        ("ecosystem.json", "{", "is no JSON"),
        ("web.toml", "[pools.web]", "is a configuration already"),
        ("ecosystem.json", '{"apps": []}', "there are no programs in"),
        ("a.service", "[Unit]\nAfter=x\n", "there is no ExecStart in"),
        ("supervisord.conf", "[supervisord]\nx=1\n", "there is no [program:NAME] in"),
        ("supervisord.conf", "[program:a]\nno value\n", "is no supervisord.conf"),
        ("notes.txt", "hello", "the format of"),
    ],
)
def test_what_cannot_be_imported(tmp_path: Path, name: str, text: str, says: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    with pytest.raises(UsageError) as found:
        import_file(str(file))
    assert says in str(found.value)
    assert found.value.hint
    assert "\n" not in str(found.value)


KEYS = st.sampled_from(["command", "numprocs", "startsecs", "environment", "exitcodes", "odd"])
LINES = st.lists(st.tuples(KEYS, st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)))


@settings(max_examples=60)
@given(LINES)
def test_odd_values_are_remarks(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]]) -> None:
    """Whatever stands in the file, what comes out is a configuration that is read, or one line says why not."""
    directory = tmp_path_factory.mktemp("odd")
    file = directory / "supervisord.conf"
    file.write_text("[program:a]\ncommand = sleep 1\n" + "".join(f"{key} = {value}\n" for key, value in lines))
    try:
        imported(file, directory)
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017 - one of two good outcomes

"""pm2: an ecosystem file as JSON, or what ``pm2 prettylist`` prints of the programs that run."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autohealer.config.importing.pool import ImportedPool, simple_command
from autohealer.errors import UsageError

INTERPRETERS = {
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
    ".ts": "bun",
    ".py": "python3",
    ".rb": "ruby",
    ".sh": "bash",
    ".php": "php",
    ".pl": "perl",
}
OUTPUT = "what workers write is kept in the state directory: see `autohealer logs`"
BACKOFF = "a worker that fails again and again is backed off by itself: see backoff-max"
NO_EQUAL = {
    "exec_mode": "workers are processes of their own; to share one port: listen, or port-base",
    "watch": "restart by `autohealer restart`",
    "ignore_watch": "see watch",
    "watch_delay": "see watch",
    "cron_restart": "max-age replaces workers that have become old, one by one",
    "restart_delay": BACKOFF,
    "exp_backoff_restart_delay": BACKOFF,
    "wait_ready": "a worker says that it is ready by sd_notify: ready = \"notify\"",
    "listen_timeout": "start-timeout is how long a worker may take to be ready",
    "shutdown_with_message": "a worker is stopped by stop-signal",
    "out_file": OUTPUT,
    "error_file": OUTPUT,
    "output": OUTPUT,
    "error": OUTPUT,
    "log_file": OUTPUT,
    "merge_logs": OUTPUT,
    "combine_logs": OUTPUT,
    "log_date_format": "`autohealer logs -t` shows times",
    "time": "`autohealer logs -t` shows times",
    "increment_var": "write {slot} into the command, or use AUTOHEALER_SLOT",
    "instance_var": "a worker finds its slot in AUTOHEALER_SLOT",
    "pid_file": "`autohealer status` knows the pids",
    "namespace": "use the pool's name",
}  # fmt: skip
# Settings that say how others are to be read.
PARTS = {"name", "script", "args", "interpreter", "exec_interpreter", "node_args", "interpreter_args", "cwd",
         "instances", "env", "autorestart", "stop_exit_codes"}  # fmt: skip
DEPLOY = "deploy"


def read_pm2(text: str, file: Path) -> list[ImportedPool]:
    """Raises UsageError where it is no JSON, or has no programs."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{file} is no JSON: {error}", "give what `pm2 prettylist` prints") from error
    apps = data.get("apps") if isinstance(data, dict) else data
    if isinstance(apps, dict):
        apps = [apps]
    if not isinstance(apps, list) or not apps or not all(isinstance(app, dict) for app in apps):
        raise UsageError(f"there are no programs in {file}", "give an ecosystem file, or what `pm2 prettylist` prints")
    if all("pm2_env" in app for app in apps):
        return _running(apps)
    return [_app(app) for app in apps]


def _running(entries: list[dict[str, Any]]) -> list[ImportedPool]:
    """Of what runs, each instance is an entry."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        by_name.setdefault(str(entry.get("name")), []).append(entry["pm2_env"])
    found = []
    for name, instances in by_name.items():
        first = instances[0]
        names = {"pm_exec_path": "script", "pm_cwd": "cwd", "exec_interpreter": "interpreter"}
        kept = {"args", "node_args", "max_memory_restart", "kill_timeout", "autorestart", "max_restarts", "min_uptime"}
        app = {names.get(key, key): value for key, value in first.items() if key in names or key in kept}
        pool = _app({**app, "name": name, "instances": len(instances)})
        pool.remark("env", 'pm2 lists its whole environment; write those that the workers need: env = { NAME = "x" }')
        found.append(pool)
    return found


def _app(app: Mapping[str, Any]) -> ImportedPool:
    script = str(app.get("script") or "")
    pool = ImportedPool(str(app.get("name") or Path(script).stem or "pool"))
    pool.values["command"] = simple_command(_command(app, script))
    _set_instances(pool, app.get("instances", 1))
    if app.get("cwd"):
        pool.set("cwd", str(app["cwd"]), "cwd")
    if isinstance(env := app.get("env"), Mapping) and env:
        pool.values["env"] = {str(name): str(value) for name, value in env.items()}
    _set_restart(pool, app)
    for key, value in app.items():
        if key not in PARTS and value not in (None, "", [], False):
            _set_other(pool, key, value)
    return pool


def _command(app: Mapping[str, Any], script: str) -> list[str]:
    interpreter = app.get("interpreter") or app.get("exec_interpreter") or INTERPRETERS.get(Path(script).suffix)
    options = _words(app.get("interpreter_args") or app.get("node_args"))
    own = [script] if interpreter in (None, "none", "") else [str(interpreter), *options, script]
    return [*own, *_words(app.get("args"))]


def _words(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(word) for word in value]
    try:
        return shlex.split(str(value)) if value else []
    except ValueError:
        return str(value).split()


def _set_instances(pool: ImportedPool, value: Any) -> None:
    """``max`` and 0 are all processors, -1 all but one."""
    try:
        number = 0 if value == "max" else int(value)
    except (TypeError, ValueError):
        number = 1
    if number > 0:
        pool.values["workers"] = number
        return
    processors = os.cpu_count() or 1
    pool.values["workers"] = max(1, processors + number)
    pool.remark(f"instances = {value}", f"this host has {processors} processors")


def _set_restart(pool: ImportedPool, app: Mapping[str, Any]) -> None:
    codes = app.get("stop_exit_codes")
    if app.get("autorestart") is False:
        pool.values["restart"] = "never"
    elif codes not in (None, [], ""):
        listed = codes if isinstance(codes, list) else [codes]
        pool.values["restart"] = "on-failure"
        pool.set("ok-exit", ",".join(str(code) for code in listed), f"stop_exit_codes = {codes}")


def _set_other(pool: ImportedPool, key: str, value: Any) -> None:
    of = f"{key} = {json.dumps(value)}"
    if key == "max_memory_restart":
        pool.set("max-rss", str(value).upper().removesuffix("B"), of)
    elif key == "kill_timeout":
        pool.set("stop-timeout", _seconds(value), of)
    elif key == "min_uptime":
        pool.set("stable-after", _seconds(value), of)
    elif key == "max_restarts":
        pool.set("max-failures", value, of)
    elif key in ("user", "uid"):
        pool.set("user", str(value), of)
    elif key in ("group", "gid"):
        pool.set("group", str(value), of)
    elif key.startswith("env_"):
        pool.remark(f"{key}", "keep one file for each environment, or an env-file")
    else:
        pool.remark(of, NO_EQUAL.get(key, "has no equal"))


def _seconds(value: Any) -> str:
    """Of milliseconds, or a text with a unit."""
    text = str(value)
    return f"{int(text) / 1000:g}" if text.isdigit() else text

"""A systemd unit: its service is a pool of one worker."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from autohealer.config.importing.pool import ImportedPool, simple_command
from autohealer.errors import UsageError

# What is taken over as it is, but for the name.
SAME = {
    "KillSignal": "stop-signal",
    "User": "user",
    "Group": "group",
    "UMask": "umask",
    "Nice": "nice",
}
DURATIONS = {
    "TimeoutStopSec": ("stop-timeout",),
    "TimeoutStartSec": ("start-timeout",),
    "TimeoutSec": ("start-timeout", "stop-timeout"),
    "WatchdogSec": ("beat-timeout",),
    "RuntimeMaxSec": ("max-age",),
}
SIZES = {"MemoryMax": "kill-rss", "MemoryHigh": "max-rss"}
RESTART = {
    "no": "never",
    "always": "always",
    "on-success": "always",
    "on-failure": "on-failure",
    "on-abnormal": "on-failure",
    "on-abort": "on-failure",
    "on-watchdog": "on-failure",
}
OUTPUT = {"journal": "journald", "null": "none", "inherit": "stdout"}
BACKOFF = "the first restarts are at once, then a worker is backed off: see backoff-max"
NO_EQUAL = {
    "RestartSec": BACKOFF,
    "RestartSteps": BACKOFF,
    "RestartMaxDelaySec": BACKOFF,
    "StartLimitIntervalSec": "max-failures ends a pool whose workers fail so often in a row",
    "StartLimitBurst": "max-failures ends a pool whose workers fail so often in a row",
    "ExecStartPre": "write it before the command: shell = true, command = \"a && exec b\"",
    "ExecStartPost": "see [[notify]]",
    "ExecStop": "a worker is stopped by stop-signal",
    "ExecStopPost": "see [[notify]]",
    "ExecReload": "`autohealer restart` replaces the workers one by one",
    "KillMode": "what a worker leaves behind is always ended with it",
    "Sockets": "a listening socket that workers share: listen = [\"tcp:HOST:PORT\"]",
    "PIDFile": "`autohealer status` knows the pids",
    "StandardError": "it goes where standard output goes",
    "RestartPreventExitStatus": "restart = \"on-failure\" and ok-exit name the ends after which nothing is started",
    "After": "after = [\"OTHER\"] is for pools of the same file; for units: `autohealer systemd-unit`",
    "Requires": "see `autohealer systemd-unit`",
    "Wants": "see `autohealer systemd-unit`",
    "OnFailure": "see [[notify]]",
    "WantedBy": "see `autohealer systemd-unit`",
}  # fmt: skip
IGNORED = {"Description", "Documentation"}
_UNITS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "sec": 1,
    "min": 60,
    "m": 60,
    "h": 3600,
    "hr": 3600,
    "d": 86_400,
    "w": 604_800,
}
_SPAN = re.compile(r"([0-9.]+)\s*([a-z]*)")
# Before a command: do not fail, do not expand, run with privileges, argv[0] is another.
_PREFIXES = "-@:+!|"
_SPECIFIER = re.compile(r"%([a-zA-Z])")

Entry = tuple[str, str, str]


def read_systemd(text: str, file: Path) -> list[ImportedPool]:
    """Raises UsageError where there is no service in it."""
    entries = _entries(text)
    if not any(section == "Service" and key == "ExecStart" and value for section, key, value in entries):
        raise UsageError(f"there is no ExecStart in {file}", "give the unit of a service")
    pool = ImportedPool(file.name.removesuffix(".service").replace("@", "-").strip("-"))
    pool.values["workers"] = 1
    pool.values["restart"] = "never"  # as systemd does without Restart=
    for section, key, value in entries:
        if section == "Service":
            _set(pool, key, value)
        elif key not in IGNORED and value:
            pool.remark(f"{key}={value}", NO_EQUAL.get(key, "has no equal"))
    return [pool]


def _entries(text: str) -> list[Entry]:
    """Section, key and value of each line; a backslash at its end goes on with the next one."""
    found: list[Entry] = []
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        plain = line.strip()
        if plain.startswith("[") and plain.endswith("]"):
            section = plain[1:-1]
        elif plain and plain[0] not in "#;" and "=" in plain:
            key, _, value = plain.partition("=")
            found.append((section, key.strip(), value.strip()))
    return found


def _set(pool: ImportedPool, key: str, value: str) -> None:
    of = f"{key}={value}"
    if key in HANDLERS:
        HANDLERS[key](pool, value)
    elif key in SAME:
        pool.set(SAME[key], value, of)
    elif key in DURATIONS:
        for option in DURATIONS[key]:
            _set_duration(pool, option, value, of)
    elif key in SIZES:
        pool.set(SIZES[key], value, of)
    elif key.startswith("Limit"):
        _set_limit(pool, key.removeprefix("Limit").lower(), value, of)
    elif value and key not in IGNORED:
        pool.remark(of, NO_EQUAL.get(key, "has no equal"))


def _set_command(pool: ImportedPool, value: str) -> None:
    if "command" in pool.values:
        pool.remark(f"ExecStart={value}", "a pool has one command: make another pool of it")
        return
    command = value.lstrip(_PREFIXES)
    if command != value:
        pool.remark(f"ExecStart={value}", f"{value[: len(value) - len(command)]} before it has no equal")
    for specifier in dict.fromkeys(_SPECIFIER.findall(command)):
        hint = "{slot} is the number of a worker" if specifier in "iI" else "has no equal"
        pool.remark(f"%{specifier} in ExecStart", hint)
    if re.search(r"\$(\w|\{)", command):
        pool.values |= {"command": f"exec {command}", "shell": True}
        return
    try:
        pool.values["command"] = simple_command(shlex.split(command))
    except ValueError as error:
        pool.values["command"] = command
        pool.remark("ExecStart", f"{error}: correct it")


def _set_restart(pool: ImportedPool, value: str) -> None:
    pool.set("restart", RESTART.get(value, "always"), f"Restart={value}")
    if value not in ("no", "always", "on-failure"):
        pool.remark(f"Restart={value}", f"taken as {RESTART.get(value, 'always')}")


def _set_ok_exit(pool: ImportedPool, value: str) -> None:
    pool.set("ok-exit", ",".join(["0", *value.split()]), f"SuccessExitStatus={value}")


def _set_limit(pool: ImportedPool, name: str, value: str, of: str) -> None:
    limits = pool.values.get("limit", {})
    if isinstance(limits, dict):
        pool.set("limit", {**limits, name: value.replace("infinity", "unlimited")}, of)


def _set_output(pool: ImportedPool, value: str) -> None:
    if value in OUTPUT:
        pool.set("log", OUTPUT[value], f"StandardOutput={value}")
    else:
        pool.remark(f"StandardOutput={value}", "it is kept in the state directory: see `autohealer logs`")


def _set_duration(pool: ImportedPool, key: str, value: str, of: str) -> None:
    if value in ("infinity", "0"):
        pool.remark(of, f"without a bound: choose {key}, or leave its default")
        return
    parts = _SPAN.findall(value)
    if not parts or any(unit not in ("", *_UNITS) for _, unit in parts):
        pool.remark(of, "is not understood")
        return
    pool.set(key, f"{sum(float(number) * _UNITS.get(unit, 1) for number, unit in parts):g}", of)


def _set_environment(pool: ImportedPool, value: str) -> None:
    env = pool.values.setdefault("env", {})
    try:
        words = shlex.split(value)
    except ValueError as error:
        pool.remark(f"Environment={value}", f"{error}: correct it")
        return
    if isinstance(env, dict):
        env |= {name: content for name, equals, content in (word.partition("=") for word in words) if equals}


def _set_environment_file(pool: ImportedPool, value: str) -> None:
    if "env-file" in pool.values:
        pool.remark(f"EnvironmentFile={value}", "one file can be read: put them into one")
        return
    pool.set("env-file", value.removeprefix("-"), f"EnvironmentFile={value}")
    if value.startswith("-"):
        pool.remark(f"EnvironmentFile={value}", "the file has to be there")


def _set_directory(pool: ImportedPool, value: str) -> None:
    if value.lstrip("-").startswith("~"):
        pool.remark(f"WorkingDirectory={value}", "write the path of the home directory")
    else:
        pool.set("cwd", value.removeprefix("-"), f"WorkingDirectory={value}")


def _set_type(pool: ImportedPool, value: str) -> None:
    if value in ("notify", "notify-reload"):
        pool.values["ready"] = "notify"
    elif value == "forking":
        pool.remark("Type=forking", "a worker has to stay in the foreground: find the option for that")
    elif value == "oneshot":
        pool.remark("Type=oneshot", "with restart = \"never\" the agent ends when the worker has")  # fmt: skip
    elif value not in ("simple", "exec"):
        pool.remark(f"Type={value}", "has no equal")


HANDLERS = {
    "ExecStart": _set_command,
    "Restart": _set_restart,
    "SuccessExitStatus": _set_ok_exit,
    "Environment": _set_environment,
    "EnvironmentFile": _set_environment_file,
    "WorkingDirectory": _set_directory,
    "StandardOutput": _set_output,
    "Type": _set_type,
}

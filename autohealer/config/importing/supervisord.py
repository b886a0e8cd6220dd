"""supervisord.conf: each ``[program:NAME]`` is a pool."""

from __future__ import annotations

import re
import shlex
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import NamedTuple

from autohealer.config.importing.pool import ImportedPool, simple_command
from autohealer.config.load import IN_POOL
from autohealer.errors import UsageError

PROGRAM = "program:"
# What is taken over as it is, but for the name.
SAME = {
    "stopsignal": "stop-signal",
    "stopwaitsecs": "stop-timeout",
    "startsecs": "stable-after",
    "directory": "cwd",
    "user": "user",
    "umask": "umask",
}
RESTART = {"true": "always", "false": "never", "unexpected": "on-failure"}
OUTPUT = "what workers write is kept in the state directory, stdout and stderr in one: see `autohealer logs`"
NO_EQUAL = {
    "process_name": "a worker is known by its slot",
    "numprocs_start": "slots are counted from 0",
    "priority": "start order: after = [\"OTHER\"]",
    "killasgroup": "always: what a worker leaves behind is ended with it",
    "stopasgroup": "add stop-scope = \"group\" where all of a worker's processes are to get the stop signal",
    "redirect_stderr": OUTPUT,
    "stdout_logfile_backups": "one older file is kept",
    "serverurl": "workers ask `autohealer` itself",
    "stdout_events_enabled": "see [[notify]]",
    "stderr_events_enabled": "see [[notify]]",
}  # fmt: skip
SECTIONS = {
    "inet_http_server": "the page and API: http = \"HOST:PORT\" in [defaults]",
    "eventlistener": "see [[notify]]",
    "group": "pools are stopped and started one by one",
    "fcgi-program": "a listening socket that workers share: listen = [\"unix:/path\"]",
    "include": "import these files, too",
}  # fmt: skip
# What belongs to supervisord itself, and not to what it runs.
OWN_SECTIONS = {"supervisord", "supervisorctl", "unix_http_server", "rpcinterface", "ctlplugin"}
_EXPANSION = re.compile(r"%\((\w+)\)([0-9]*)([sd])")


class ImportedPools(NamedTuple):
    """The pools, and remarks on what belongs to none."""

    pools: list[ImportedPool]
    remarks: list[str]


def read_supervisord(text: str, file: Path) -> ImportedPools:
    """Raises UsageError where it cannot be read."""
    parser = RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as the module's documentation has it
    try:
        parser.read_string(text)
    except Error as error:
        raise UsageError(
            f"{file} is no supervisord.conf: {' '.join(str(error).split())}", "correct it first"
        ) from error
    found = ImportedPools([], [])
    for section in parser.sections():
        kind, _, name = section.partition(":")
        if section.startswith(PROGRAM):
            found.pools.append(_program(name.strip(), dict(parser.items(section)), file))
        elif kind not in OWN_SECTIONS:
            found.remarks.append(f"[{section}]: {SECTIONS.get(kind, 'has no equal')}")
    return found


def _program(name: str, settings: dict[str, str], file: Path) -> ImportedPool:
    pool = ImportedPool(name)
    _set_command(pool, settings.pop("command", ""), file)
    count = settings.pop("numprocs", "1")
    pool.set("workers", int(count) if count.isdigit() else 1, f"numprocs = {count}")
    restart = settings.pop("autorestart", "unexpected").lower()
    pool.set("restart", RESTART.get(restart, "always"), f"autorestart = {restart}")
    for key, value in settings.items():
        if key in SAME and SAME[key] in IN_POOL:
            _set_same(pool, key, value, file)
        else:
            _set_other(pool, key, value)
    return pool


def _set_command(pool: ImportedPool, command: str, file: Path) -> None:
    """Its expansions are ours where there is one; a variable of the environment needs a shell."""
    variables: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        what, width = found[1], found[2]
        if what == "process_num":
            if width:
                pool.remark(f"command: {found[0]}", "{slot} is not padded with zeros")
            return "{slot}"
        if what.startswith("ENV_"):
            variables.append(what)
            return f'"${what.removeprefix("ENV_")}"'
        known = {"program_name": pool.name, "group_name": pool.name, "here": str(file.parent)}
        if what not in known:
            pool.remark(f"command: {found[0]}", "has no equal")
        return known.get(what, found[0])

    text = _EXPANSION.sub(replaced, command)
    if variables:
        pool.values |= {"command": f"exec {text}", "shell": True}
        return
    try:
        pool.values["command"] = simple_command(shlex.split(text))
    except ValueError as error:
        pool.values["command"] = text
        pool.remark("command", f"{error}: correct it")


def _set_same(pool: ImportedPool, key: str, value: str, file: Path) -> None:
    if key == "startsecs" and value == "0":
        pool.remark("startsecs = 0", "a worker that lives for stable-after (10 s) earns a restart back")
    elif key == "directory":
        pool.set("cwd", value.replace("%(here)s", str(file.parent)), f"{key} = {value}")
    else:
        pool.set(SAME[key], value, f"{key} = {value}")


def _set_other(pool: ImportedPool, key: str, value: str) -> None:
    of = f"{key} = {value}"
    if key == "startretries":
        pool.set("max-failures", int(value) + 1 if value.isdigit() else value, of)
    elif key == "exitcodes":
        pool.set("ok-exit", value, of)
    elif key == "autostart" and value.lower() in ("false", "0", "no", "off"):
        pool.values["workers"] = 0
        pool.remark(of, f"none until `autohealer scale N --pool {pool.name}`")
    elif key == "autostart":
        return
    elif key == "environment":
        _set_environment(pool, value)
    elif key.endswith("_logfile_maxbytes"):
        if value != "0":
            pool.set("log-max-bytes", value.upper().removesuffix("B"), of)
    elif key == "stdout_logfile" and value.upper() in ("NONE", "/DEV/NULL"):
        pool.set("log", "none", of)
    elif key.endswith(("_logfile", "_capture_maxbytes", "_syslog")):
        pool.remark(of, OUTPUT)
    else:
        pool.remark(of, NO_EQUAL.get(key, "has no equal"))


def _set_environment(pool: ImportedPool, value: str) -> None:
    """``A="1",B='x,y'``."""
    lexer = shlex.shlex(value, posix=True, punctuation_chars=",")
    lexer.whitespace_split = True
    try:
        words = [word for word in lexer if word.strip(",")]
    except ValueError as error:
        pool.remark(f"environment = {value}", f"{error}: correct it")
        return
    pairs = [word.partition("=") for word in words]
    pool.values["env"] = {name.strip(): content for name, _, content in pairs if name.strip()}
    for name, _, content in pairs:
        for found in _EXPANSION.finditer(content):
            pool.remark(f"environment: {found[0]} in {name.strip()}", "write its value")

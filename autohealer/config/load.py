"""Read a configuration file: what it says, checked, with the file, line and key of what is wrong in it.

What is nearer counts: the command line, the environment, ``[pools.NAME]``, ``[defaults]``, the default.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from autohealer.config import procfile, toml_file
from autohealer.config.env_file import can_be_read_by_others, read_env_file
from autohealer.config.options import Field, collected
from autohealer.config.order import order_error
from autohealer.config.schema import (
    AGENT_FIELDS,
    NOTIFY_FIELDS,
    POOL_FIELDS,
    AgentOptions,
    Configuration,
    NotifyOptions,
    PoolOptions,
)
from autohealer.config.source import KeyPath, Source
from autohealer.config.spec import check_pool
from autohealer.config.special_kinds import PoolName
from autohealer.config.values import read_command, read_value
from autohealer.errors import UsageError

DEFAULTS, POOLS, NOTIFY = "defaults", "pools", "notify"
SECTIONS = (DEFAULTS, POOLS, NOTIFY)
IN_POOL = {field.key: field for field in POOL_FIELDS.values() if field.field != "pool"}
IN_DEFAULTS = {field.key: field for field in AGENT_FIELDS.values()} | {
    key: field for key, field in IN_POOL.items() if key != "after"
}
IN_NOTIFY = {field.key: field for field in NOTIFY_FIELDS.values()}
EXAMPLES = {"workers": "workers = 3", "command": 'command = "python worker.py"'}

Values = dict[str, Any]
Origins = dict[str, str]


class Loaded(NamedTuple):
    """What a file says, where each value comes from (what is not named is a default), and what to warn of."""

    configuration: Configuration
    agent_origins: Origins
    pool_origins: dict[str, Origins]
    warnings: list[str]


def load(file: str | Path, environ: Mapping[str, str], typed: Mapping[str, object] | None = None) -> Loaded:
    """The configuration in a file. ``typed`` are options of the agent from the command line, by their fields.

    Raises UsageError with the file, the line and the key.
    """
    path = Path(file).absolute()
    if procfile.is_procfile(path):
        source = procfile.read(path, environ)
        environ = {name: value for name, value in environ.items() if name != procfile.BASE}  # it is in all the ports
    else:
        source = toml_file.read(path)
    _check_names(source, source.data, SECTIONS, ())
    names = _table(source, (POOLS,))
    if not names:
        raise UsageError(f"{source.path}: there are no pools in it", "write a table such as [pools.web]")
    defaults = _section(source, _table(source, (DEFAULTS,)), (DEFAULTS,), IN_DEFAULTS)
    agent_values, agent_origins = _layers(AGENT_FIELDS, environ, {"[defaults]": defaults})
    agent = msgspec.convert({**agent_values, **(typed or {})}, AgentOptions)
    agent_origins |= dict.fromkeys(typed or {}, "command line")
    pools, pool_origins, warnings = [], {}, []
    for name in names:
        pool, pool_origins[name] = _pool(source, name, defaults, environ)
        pools.append(pool)
        if pool.env_file is not None and can_be_read_by_others(pool.env_file):
            warnings.append(f"other users can read {pool.env_file}; chmod 600 {shlex.quote(pool.env_file)}")
    wrong = order_error({pool.pool: pool.after for pool in pools})
    if wrong is not None:
        raise source.error(f"pools.{wrong.pool}.after: {wrong.text}", (POOLS, wrong.pool, "after"), wrong.hint)
    configuration = Configuration(
        agent=agent, pools=tuple(pools), notify=_notify(source), file=str(source.path), typed=dict(typed or {})
    )
    return Loaded(configuration, agent_origins, pool_origins, list(dict.fromkeys(warnings)))


def _pool(source: Source, name: str, defaults: Values, environ: Mapping[str, str]) -> tuple[PoolOptions, Origins]:
    path = (POOLS, name)
    try:
        PoolName().parse(name)
    except ValueError as error:
        raise source.error(str(error), path) from None
    own = _section(source, _table(source, path), path, IN_POOL)
    values, origins = _layers(POOL_FIELDS, environ, {f"[pools.{name}]": own, "[defaults]": defaults})
    for required, example in EXAMPLES.items():
        if required not in values:
            raise source.error(f"pool {name} has no {required}", path, f"add it, as in: {example}")
    values["pool"] = name
    values.setdefault("cwd", str(source.directory))
    try:
        values["command"] = read_command(values["command"], is_shell=bool(values.get("shell")))
    except ValueError as error:
        raise source.error(f"pools.{name}.command: {error}", (*path, "command")) from None
    pool = msgspec.convert(values, PoolOptions)
    try:
        check_pool(pool)
        if pool.env_file is not None:
            read_env_file(pool.env_file)
    except UsageError as error:
        raise source.error(f"pool {name}: {error}", path, error.hint) from None
    return pool, origins


def _notify(source: Source) -> tuple[NotifyOptions, ...]:
    tables = source.data.get(NOTIFY, [])
    if not isinstance(tables, list):
        raise source.error("notify is not an array of tables", (NOTIFY,), "write it as [[notify]]")
    found = []
    for number, table in enumerate(tables):
        path = (NOTIFY, number)
        values = _section(source, _as_table(source, table, path), path, IN_NOTIFY)
        if not values.get("on"):
            raise source.error("this notify says nothing of what", path, 'add it, as in: on = ["crash-loop"]')
        targets = [key for key in ("webhook", "url-file", "exec") if values.get(key.replace("-", "_"))]
        if len(targets) != 1:
            what = f"{' and '.join(targets)} in one notify" if targets else "this notify says nothing of where to"
            raise source.error(what, path, "give one of webhook, url-file and exec")
        found.append(msgspec.convert(values, NotifyOptions))
    return tuple(found)


def _layers(
    fields: Mapping[str, Field], environ: Mapping[str, str], layers: Mapping[str, Values]
) -> tuple[Values, Origins]:
    """The values by field, of the nearest layer first; a table is the sum of its layers."""
    values: Values = {}
    origins: Origins = {}
    for name, field in fields.items():
        found = {origin: layer[name] for origin, layer in layers.items() if name in layer}
        if field.variable is not None and name != "pool" and environ.get(field.variable):
            found = {field.variable: _from_environment(field, environ[field.variable]), **found}
        for origin, value in found.items():
            if name not in values:
                values[name], origins[name] = value, origin
            elif field.option.kind.is_pair:
                values[name] = {**value, **values[name]}
                origins[name] += f", {origin}"
    return values, origins


def _from_environment(field: Field, text: str) -> object:
    kind = field.option.kind
    try:
        return (
            collected(field.option, list(map(kind.parse, shlex.split(text)))) if field.option.many else kind.parse(text)
        )
    except ValueError as error:
        raise UsageError(f"{field.variable}: {error}", "correct it, or unset it") from None


def _section(source: Source, table: Mapping[str, Any], path: KeyPath, known: Mapping[str, Field]) -> Values:
    """The values of the table at this path, by field."""
    spelled: dict[str, str] = {}
    for key in table:
        former = spelled.setdefault(key.replace("_", "-"), key)
        if former != key:
            raise source.error(f"{_dotted(path)}: {former} and {key} are the same key", (*path, key), "write it once")
    _check_names(source, table, known, path)
    values = {}
    for plain, key in spelled.items():
        field, value = known[plain], table[key]
        if field.field == "exec" and isinstance(value, str):
            value = [*read_command(value, is_shell=False)]
        if field.field == "command":  # how it is read depends on another key
            values[field.field] = value
            continue
        try:
            values[field.field] = read_value(field, value, source.directory)
        except ValueError as error:
            raise source.error(f"{_dotted((*path, key))}: {error}", (*path, key)) from None
    return values


def _table(source: Source, path: tuple[str, ...]) -> Mapping[str, Any]:
    """The table at this path; an empty one where there is none."""
    table: Mapping[str, Any] = source.data
    for part in path:
        table = _as_table(source, table.get(part, {}), path)
    return table


def _as_table(source: Source, found: object, path: KeyPath) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise source.error(f"{_dotted(path)} is not a table", path, f"write it as [{_dotted(path)}]")
    return found


def _check_names(source: Source, found: Iterable[str], known: Iterable[str], path: KeyPath) -> None:
    names = list(known)
    for key in found:
        plain = key.replace("_", "-")
        if plain in names:
            continue
        close = get_close_matches(plain, names, n=1)
        hint = f"did you mean {close[0]}?" if close else "see docs/configuration.md"
        if path[:1] == (POOLS,) and plain in IN_DEFAULTS:
            hint = "it concerns the whole agent: write it in [defaults]"
        raise source.error(f"{_dotted((*path, key))} is not known", (*path, key), hint)


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))

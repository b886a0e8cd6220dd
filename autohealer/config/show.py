"""A configuration as TOML again, complete with what is a default; what is in environments is not shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from autohealer.config.kinds import Duration, Flag, Integer
from autohealer.config.load import Loaded, Origins
from autohealer.config.options import Field
from autohealer.config.schema import AGENT_FIELDS, NOTIFY_FIELDS, POOL_FIELDS
from autohealer.config.values import SHELL

HIDDEN = "(not shown)"


def toml_lines(loaded: Loaded, *, with_origin: bool = False) -> Iterator[str]:
    """The file as it is understood; with ``with_origin`` each line says where its value comes from."""
    configuration = loaded.configuration
    yield "[defaults]"
    yield from _section(AGENT_FIELDS, configuration.agent, loaded.agent_origins if with_origin else None)
    for pool in configuration.pools:
        yield ""
        yield f"[pools.{pool.pool}]"
        fields = {name: field for name, field in POOL_FIELDS.items() if name != "pool"}
        yield from _section(fields, pool, loaded.pool_origins[pool.pool] if with_origin else None)
    for notify in configuration.notify:
        yield ""
        yield "[[notify]]"
        yield from _section(NOTIFY_FIELDS, notify, None)


def values(fields: Mapping[str, Field], struct: Any) -> dict[str, Any]:
    """The values that are set, by key, as TOML and JSON have them."""
    found = {field.key: _plain(field, struct) for name, field in fields.items() if getattr(struct, name) is not None}
    return {key: value for key, value in found.items() if value not in ([], {})}


def _section(fields: Mapping[str, Field], struct: Any, origins: Origins | None) -> Iterator[str]:
    by_key = {field.key: name for name, field in fields.items()}
    for key, value in values(fields, struct).items():
        line = f"{key} = {toml_value(value)}"
        yield line if origins is None else f"{line:<40} # {origins.get(by_key[key], 'default')}"


def _plain(field: Field, struct: Any) -> Any:
    value = getattr(struct, field.field)
    if field.field == "webhook":
        return HIDDEN
    if field.option.kind.is_pair:
        return dict.fromkeys(value, HIDDEN)
    if field.field == "command" and struct.shell and value[:2] == (SHELL, "-c"):
        return value[2]
    if field.option.many:
        return [field.option.kind.show(one) for one in value]
    if isinstance(field.option.kind, Duration):
        return int(value) if value == int(value) else value
    return value if isinstance(field.option.kind, Flag | Integer) else field.option.kind.show(value)


def toml_value(value: Any) -> str:
    """A value as TOML has it; JSON's texts, numbers and arrays of texts are TOML's as well."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {toml_value(content)}" for name, content in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else json.dumps(name)

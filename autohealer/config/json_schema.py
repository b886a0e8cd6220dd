"""The JSON schema of a configuration file, for editors and checkers."""

from __future__ import annotations

from autohealer.config.kinds import JsonSchema
from autohealer.config.load import IN_DEFAULTS, IN_NOTIFY, IN_POOL
from autohealer.config.options import Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> JsonSchema:
    """The whole schema."""
    return {
        "$schema": DIALECT,
        "title": "Configuration of autohealer",
        "type": "object",
        "additionalProperties": False,
        "required": ["pools"],
        "properties": {
            "defaults": _table(IN_DEFAULTS, "What holds for all pools, and what concerns the whole agent."),
            "pools": {
                "type": "object",
                "minProperties": 1,
                "description": "A table for each pool, by its name.",
                "additionalProperties": _table(IN_POOL, "One pool."),
            },
            "notify": {"type": "array", "items": _table(IN_NOTIFY, "Who is told of what.")},
        },
    }


def _table(fields: dict[str, Field], text: str) -> JsonSchema:
    properties = {key: _option(field) for key, field in fields.items()}
    return {"type": "object", "description": text, "additionalProperties": False, "properties": properties}


def _option(field: Field) -> JsonSchema:
    option = field.option
    value = option.kind.json_schema()
    if field.field in ("command", "exec"):
        value = {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}]}
    elif option.kind.is_pair:
        table = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
        value = {"anyOf": [table, {"type": "array", "items": value}]}
    elif option.many:
        value = {"type": "array", "items": value}
    described = value | {"description": option.help}
    return described | ({"default": field.default_text} if field.default_text and not option.unset else {})

"""JSON that this version need not have written: what makes sense of it is taken, the rest is as if it were not there.

A line of an older version lacks fields, one of a newer version has others, a damaged disk has anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def decoded(text: str | bytes) -> object:
    """What a JSON text says; half of a character and NaN are let pass. Raises ValueError where it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def made_of(kind: type[T], fields: Mapping[str, object]) -> T:
    """A Struct of these fields. One that is missing, or whose value is of another type, has its default.

    Where there is no default it is None, if it may be, and else what its type is without a value: 0, or empty.
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError:
        return kind(**{field.name: _value(field, fields) for field in msgspec.structs.fields(kind)})


def has_wrong(kind: type[msgspec.Struct], fields: Mapping[str, object]) -> bool:
    """Whether a value that is there is not of its field's type."""
    there = (field for field in msgspec.structs.fields(kind) if field.encode_name in fields)
    return not all(_is_of(field.type, fields[field.encode_name]) for field in there)


def _is_of(kind: type, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _value(field: msgspec.structs.FieldInfo, fields: Mapping[str, object]) -> object:
    if field.encode_name in fields:
        found = fields[field.encode_name]
        if _is_of(field.type, found):
            return msgspec.convert(found, field.type)
        struct = next((one for one in (field.type, *get_args(field.type)) if _is_struct(one)), None)
        if struct is not None and isinstance(found, dict):
            return made_of(struct, found)
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return _nothing(field.type)


def _nothing(kind: type) -> object:
    if type(None) in get_args(kind):
        return None
    plain = get_origin(kind) or kind
    return {} if plain is Mapping else plain()


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)

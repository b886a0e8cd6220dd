"""Values of the core as JSON and back: events, actions, and the whole state of a supervisor.

The core's state is a graph of plain objects: structs, parts with fields, containers, enums, numbers and text. Each
object and each mutable container has a number, so that what is shared is shared again. What wires the parts together
(bound methods, functions) is not state: it is left out, and a supervisor that was made anew, with its wiring, takes up
the state of the recorded one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from typing import Any

import msgspec

ROOT = "autohealer.core."
# Fields with words of workers in them, which may be secrets of theirs.
LEFT_OUT = frozenset({"text", "output", "evidence", "detail", "status"})
NOTHING = "(left out)"

Json = Any

_PLAIN = frozenset({str, bool, int, type(None)})
_MISSING = object()


class UnknownValueError(ValueError):
    """A value that is none of the core's, or a file that is no recording."""


class Encoder:
    """Values into JSON; one for each whole, such as a state, within which sharing is kept."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[object] = []  # an id is good only while its object lives

    def encode(self, value: object) -> Json:
        """As JSON. Raises UnknownValueError."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else ["float", str(value)]
        if isinstance(value, Enum):
            return ["enum", _name(kind), value.name]
        if isinstance(value, tuple) and kind is tuple:
            return ["tuple", [self.encode(item) for item in value]]
        if isinstance(value, frozenset):
            return ["frozenset", [self.encode(item) for item in sorted(value, key=repr)]]
        if (number := self._numbers.get(id(value))) is not None:
            return ["same", number]
        number = self._numbers[id(value)] = len(self._numbers)
        self._kept.append(value)
        if isinstance(value, dict):
            return ["dict", number, [[self.encode(key), self.encode(item)] for key, item in value.items()]]
        if isinstance(value, list | set | deque):
            return [kind.__name__, number, [self.encode(item) for item in value]]
        return ["object", number, _name(kind), self._fields(value)]

    def _fields(self, value: object) -> dict[str, Json]:
        fields: dict[str, Json] = {}
        for name in (*_field_names[type(value)], *getattr(value, "__dict__", ())):
            item = getattr(value, name, _MISSING)
            if name in LEFT_OUT or name.lstrip("_") in LEFT_OUT:
                item = _public(item)
            if type(item) in _PLAIN:
                fields[name] = item
            elif item is not _MISSING and not _is_wiring(item):
                fields[name] = self.encode(item)
        return fields


class Decoder:
    """JSON into values; the counterpart of an Encoder."""

    def __init__(self) -> None:
        self._made: dict[int, object] = {}

    def decode(self, data: Json, present: object = None) -> Any:
        """The value. An object or container of the same kind that is ``present`` takes it up itself.

        Raises UnknownValueError.
        """
        if not isinstance(data, list):
            return data
        try:
            kind, *rest = data
            return self._decoders()[kind](*rest, present)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, ImportError) as error:
            raise UnknownValueError(f"this is no recording of this version: {error}") from error

    def _decoders(self) -> dict[str, Callable[..., Any]]:
        return {
            "enum": lambda name, member, _: _class(name, Enum)[member],
            "float": lambda text, _: float(text),
            "tuple": lambda items, _: tuple(map(self.decode, items)),
            "frozenset": lambda items, _: frozenset(map(self.decode, items)),
            "same": lambda number, _: self._made[number],
            "dict": self._dict,
            "list": lambda number, items, present: self._sequence(number, items, present, list),
            "set": lambda number, items, present: self._sequence(number, items, present, set),
            "deque": lambda number, items, present: self._sequence(number, items, present, deque),
            "object": self._object,
        }

    def _dict(self, number: int, items: list[Json], present: object) -> object:
        made: dict[Any, Any] = present if isinstance(present, dict) else {}
        self._made[number] = made
        former = dict(made)
        made.clear()
        for key_data, data in items:
            key = self.decode(key_data)
            made[key] = self.decode(data, former.get(key))
        return made

    def _sequence(self, number: int, items: list[Json], present: Any, kind: type[Any]) -> object:
        made = present if isinstance(present, kind) else kind()
        self._made[number] = made
        former = list(made) if kind is list else []
        made.clear()
        for index, data in enumerate(items):
            value = self.decode(data, former[index] if index < len(former) else None)
            made.add(value) if kind is set else made.append(value)
        return made

    def _object(self, number: int, name: str, fields: dict[str, Json], present: object) -> object:
        cls = _class(name, object)
        made: object = present if type(present) is cls else _blank(cls)
        self._made[number] = made
        for field, data in fields.items():
            value = self.decode(data, getattr(made, field, None))
            if isinstance(made, msgspec.Struct):
                msgspec.structs.force_setattr(made, field, value)
            else:
                setattr(made, field, value)
        return made


def _blank(cls: type[Any]) -> object:
    """An object whose fields are still to be set: one that holds itself is known before they are."""
    if issubclass(cls, msgspec.Struct):
        return cls(*(None,) * len(cls.__struct_fields__))
    return object.__new__(cls)


class _FieldNames(dict[type, tuple[str, ...]]):
    """Which fields the objects of each class have beside those in their dictionary."""

    def __missing__(self, cls: type) -> tuple[str, ...]:
        names = (name for base in cls.__mro__ for name in getattr(base, "__slots__", ()))
        found = self[cls] = tuple(name for name in names if name not in {"__dict__", "__weakref__"})
        return found


_field_names = _FieldNames()


def _is_wiring(item: object) -> bool:
    return callable(item) or (isinstance(item, dict) and bool(item) and all(map(callable, item.values())))


def _public(item: object) -> object:
    if not item:
        return item
    return NOTHING if isinstance(item, str) else (NOTHING,) if isinstance(item, tuple | list) else item


def _name(cls: type) -> str:
    if not cls.__module__.startswith(ROOT):
        raise UnknownValueError(f"{cls.__name__} is no value of the core")
    return f"{cls.__module__.removeprefix(ROOT)}:{cls.__qualname__}"


def _class(name: str, base: type[Any]) -> Any:
    """A class of the core, by its name in a recording; nothing else is ever imported or made."""
    module, _, qualified = name.partition(":")
    if not all(part.isidentifier() for part in module.split(".")) or not qualified.isidentifier():
        raise UnknownValueError(f"{name!r} is no class of the core")
    found = getattr(import_module(ROOT + module), qualified)
    if not (isinstance(found, type) and issubclass(found, base) and found.__module__ == ROOT + module):
        raise UnknownValueError(f"{name!r} is no class of the core")
    return found

"""What is known of one option, and how the options of a Struct are found.

An option is a field of a Struct in `schema`, annotated with an `Option`: the field gives name, type and default, the
`Option` everything else.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from autohealer.config.kinds import Kind

PREFIX = "AUTOHEALER_"


class Change(enum.Enum):
    """What `reload` does when the value of an option differs from the one that is in force."""

    NOTHING = "takes effect at once; no worker is touched"
    SCALE = "workers are started or stopped"
    ROLLOUT = "workers are replaced one by one"
    RESTART = "takes effect at the next start of the agent: `autohealer leave`, then the same `run`"
    STOP = "takes effect at the next start of the pool: `autohealer stop`, then the same `run`"
    """Instead of NOTHING and RESTART, where no worker may outlive its agent."""


class Group(enum.StrEnum):
    """The headings of ``run --help`` and of the reference page, in their order."""

    POOL = "The pool"
    LAUNCH = "How workers are started"
    REGISTRATION = "Registration"
    HEALTH = "Health"
    RESTARTS = "Restarts"
    STOPPING = "How workers are stopped"
    OUTPUT = "What workers write"
    ZOOKEEPER = "ZooKeeper"
    VIEW = "The agent"
    NOTICES = "Notices to people: `[[notify]]`"


class Place(enum.Enum):
    """Where an option may stand beside the configuration file."""

    ANYWHERE = "command line and environment"
    FILE = "nowhere else"


class Option(NamedTuple):
    """One option. What is not said here is said by the field that it annotates."""

    kind: Kind[Any]
    help: str
    """One or two sentences for ``--help`` and the reference page."""
    group: Group
    change: Change
    example: str = ""
    """A value as it would be typed; for what takes its examples from the default, nothing."""
    unset: str = ""
    """What holds where no value is given, for an option whose default is None."""
    many: bool = False
    """Whether it may be given several times: an array in a file, a table for assignments."""
    place: Place = Place.ANYWHERE


class Field(NamedTuple):
    """An option together with its field in the Struct."""

    field: str
    default: object
    option: Option

    @property
    def key(self) -> str:
        """Its name in a file: ``stop-timeout``."""
        return self.field.rstrip("_").replace("_", "-")

    @property
    def typed(self) -> str:
        """Its name on the command line: ``--stop-timeout``."""
        return f"--{self.key}"

    @property
    def variable(self) -> str | None:
        """Its name in the environment: ``AUTOHEALER_STOP_TIMEOUT``; None where it has none."""
        return f"{PREFIX}{self.field.upper()}" if self.option.place is Place.ANYWHERE else None

    @property
    def default_text(self) -> str:
        """The default as it would be typed, or the words for having none."""
        if self.default is None or self.default is False or self.option.many:
            return self.option.unset
        return self.option.kind.show(self.default)

    def show(self, value: object) -> str:
        """A value as it would be typed, or the words for having none."""
        if value is None or value == ():
            return self.option.unset or "none"
        if isinstance(value, tuple) and self.option.many:
            return shlex.join(self.option.kind.show(one) for one in value)
        return self.option.kind.show(value)


def fields_of(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """The options of a Struct by the name of their field, in the order of their definition."""
    return {info.name: _field(info) for info in msgspec.structs.fields(struct)}


def _field(info: msgspec.structs.FieldInfo) -> Field:
    (option,) = (extra for extra in info.type.__metadata__ if isinstance(extra, Option))
    default = None if info.default is msgspec.NODEFAULT else info.default
    return Field(info.name, default if info.default_factory is msgspec.NODEFAULT else info.default_factory(), option)


def collected(option: Option, values: Sequence[Any]) -> object:
    """What several values of one option come to: a table of assignments, the last to a name counting; or a tuple."""
    return dict(values) if option.kind.is_pair else tuple(values)

"""All live agents, and what each says of itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autohealer.coordination.entries import read_agent
from autohealer.coordination.link import Link
from autohealer.coordination.reading import Reader
from autohealer.core.model import AgentEntry

_UNREAD = object()


class Agents:
    """``read`` is told all agents, whenever one comes, goes or says something new."""

    def __init__(
        self,
        link: Link,
        path: str,
        agent: str,
        *,
        read: Callable[[dict[str, AgentEntry | None]], None],
        missed: Callable[[], None],
    ) -> None:
        self._link, self._path, self._agent = link, path, agent
        self._read, self._missed = read, missed
        self._list = Reader(link, path, link.children, self._listed)
        self._readers: dict[str, Reader] = {}
        self._entries: dict[str, Any] = {}
        self._own: AgentEntry | None = None
        self._told: dict[str, AgentEntry | None] | None = None

    def look(self) -> None:
        """Read the list and every entry anew."""
        self._list.read()
        for reader in self._readers.values():
            reader.read()

    def cut(self) -> None:
        """The connection is gone: what is read in the next one is news."""
        self._told = None
        self._list.cut()
        for reader in self._readers.values():
            reader.cut()
        self._readers.clear()
        self._entries.clear()

    def wrote_own(self, entry: AgentEntry) -> None:
        """This agent's own entry need not be read back."""
        self._own = entry
        if self._agent in self._entries:
            self._entries[self._agent] = entry
            self._tell()

    def _listed(self, names: list[str] | None) -> None:
        present = set(names or ())
        for name in self._entries.keys() - present:
            del self._entries[name]
            gone = self._readers.pop(name, None)
            if gone is not None:
                gone.stop()
        for name in present - self._entries.keys():
            if name == self._agent:
                self._entries[name] = self._own
                continue
            self._entries[name] = _UNREAD
            reader = self._readers[name] = Reader(
                self._link, f"{self._path}/{name}", self._link.get_foreign, partial(self._found, name)
            )
            reader.read()
        if self._agent not in present:
            self._missed()
        self._tell()

    def _found(self, name: str, value: tuple[bytes, Any] | None) -> None:
        # None: it is gone; that the list has changed will be told as well.
        if name in self._entries and value is not None:
            self._entries[name] = read_agent(value[0])
            self._tell()

    def _tell(self) -> None:
        if any(entry is _UNREAD for entry in self._entries.values()) or self._entries == self._told:
            return
        self._told = dict(self._entries)
        self._read(dict(self._told))

"""Incidents on their way from the core to where they are kept: of one that changes in a batch the last is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from autohealer.runtime.clock import now
from autohealer.runtime.incident_store import entry_of

if TYPE_CHECKING:
    from autohealer.core.incident import Incident, IncidentEntry
    from autohealer.runtime.incident_store import IncidentStore
    from autohealer.runtime.worker_output import WorkerOutput


class IncidentNews:
    """What has changed since the last batch. ``output`` knows what workers said last."""

    def __init__(self, store: IncidentStore, output: WorkerOutput) -> None:
        self._store, self._output = store, output
        self._changed: dict[str, Incident] = {}

    def take(self, incident: Incident) -> None:
        """It has been opened, has changed, or is closed."""
        self._changed[incident.id] = incident

    def tell(self) -> None:
        """Have them kept, while the files of their workers are known: before those are forgotten."""
        changed, self._changed = self._changed, {}
        for incident in changed.values():
            self._store.put(self.entry(incident), is_closed=incident.is_closed)
            if incident.is_closed:
                self._output.drop_words(incident)

    def entry(self, incident: Incident) -> IncidentEntry:
        """An incident as it is kept, with the last that its worker said."""
        return entry_of(incident, time.time() - (now() - incident.opened), self._output.last_words(incident))

"""A recording run again, decision by decision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from autohealer.core.events import Event
from autohealer.core.pool.snapshot import Snapshot
from autohealer.core.pool.supervisor import Supervisor
from autohealer.errors import UsageError
from autohealer.runtime.recorder.recording import FORMAT, NAMES
from autohealer.runtime.recorder.state import Decoder, Encoder, UnknownValueError


class ReplayedStep(msgspec.Struct, frozen=True):
    """An event, what was decided then, and what is decided now: both as JSON, equal unless the code has changed."""

    at: float
    wall: float
    event: Event
    recorded: Any
    decided: Any

    @property
    def is_same(self) -> bool:
        """Whether the same was decided, to the letter."""
        return bool(self.recorded == self.decided)


class Replay:
    """Run a file again: iterate over `steps`; ``snapshot`` tells how things stood after the last one."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where it is no recording that this version can run."""
        self._path = path
        try:
            self._lines = path.read_bytes().splitlines()
            head = msgspec.json.decode(self._lines[0])
            if head["format"] != FORMAT:
                raise UnknownValueError(f"its format is {head['format']}")
            self.version: str = head["version"]
            self._offset = float(head["time"]) - float(head["at"])
            self._last_at = float(head["at"])
            self._supervisor = _made_anew(head["state"])
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}", "name a recording") from error
        except (ValueError, KeyError, IndexError, TypeError, msgspec.MsgspecError) as error:
            raise UsageError(
                f"{path} is no recording that this version can run: {error}", "name a recording"
            ) from error

    def steps(self) -> Iterator[ReplayedStep]:
        """Every event in turn. A last line that was torn is left out."""
        for line in self._lines[1:]:
            try:
                data = msgspec.json.decode(line)
            except msgspec.MsgspecError:
                return
            event: Event = Decoder().decode(data["event"])
            decide = self._supervisor.handle if data["concluded"] else self._supervisor.take_in
            decided = [Encoder().encode(action) for action in decide(event)]
            self._last_at = event.at
            yield ReplayedStep(event.at, event.at + self._offset, event, data["actions"], decided)

    def snapshot(self) -> Snapshot:
        """How things stood after the last step."""
        return self._supervisor.snapshot(self._last_at)


def newest_recording(folder: Path) -> Path | None:
    """The newer of a pool's two files; None where there is none."""
    files = [path for name in NAMES if (path := folder / name).is_file()]
    return max(files, key=lambda path: path.stat().st_mtime, default=None)


def _made_anew(state: Any) -> Supervisor:
    """A supervisor with its wiring, which takes up the recorded state."""
    kind, _, name, fields = state
    if kind != "object" or not name.endswith(":Supervisor"):
        raise UnknownValueError("it does not begin with a supervisor")
    spec, me = Decoder().decode(fields["_spec"]), Decoder().decode(fields["_me"])
    made: Supervisor = Decoder().decode(state, Supervisor(spec, me, overwrite_target=False))
    return made

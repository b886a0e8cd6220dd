"""An archive for a report of a bug: what was found, how the pool stands, what happened, and in which surroundings.

Left out are the environment, the ledger (it holds the session's password) and what workers wrote, which may hold
secrets of theirs.
"""

from __future__ import annotations

import io
import json
import platform
import resource
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

import msgspec

from autohealer import __version__
from autohealer.errors import AutohealerError
from autohealer.runtime.doctor.diagnosis import Diagnosis
from autohealer.runtime.recorder.recording import NAMES
from autohealer.runtime.state_dir import StateDir

# Fields of events with words of workers in them.
OF_WORKERS = frozenset({"output", "evidence"})
MOST_EVENTS = 20_000
LIMITS = ("NOFILE", "NPROC", "AS", "CORE", "MEMLOCK")


def write_bundle(path: Path, state: StateDir, diagnosis: Diagnosis) -> None:
    """Write the archive. Raises AutohealerError where that cannot be done."""
    try:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in _files(state, diagnosis):
                entry = tarfile.TarInfo(f"autohealer/{name}")
                entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
                archive.addfile(entry, io.BytesIO(content))
        path.chmod(0o600)
    except OSError as error:
        raise AutohealerError(f"cannot write {path}: {error.strerror}", "choose another file") from error


def _files(state: StateDir, diagnosis: Diagnosis) -> Iterator[tuple[str, bytes]]:
    yield "doctor.json", _json(diagnosis.as_json())
    yield "status.json", _json(msgspec.to_builtins(diagnosis.status))
    yield "surroundings.json", _surroundings()
    for name in NAMES:
        with suppress(OSError):
            yield name, (state.path / name).read_bytes()
    with suppress(OSError):
        yield "events.jsonl", b"".join(_events(state.events_path))


def _surroundings() -> bytes:
    found = {
        "autohealer": __version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "packages": {found.name: found.version for found in distributions()},
        "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in LIMITS},
    }
    return _json(found)


def _events(path: Path) -> Iterator[bytes]:
    """The last events, less what workers wrote."""
    for line in path.read_bytes().splitlines()[-MOST_EVENTS:]:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield _json({name: "(left out)" if name in OF_WORKERS else value for name, value in event.items()})


def _json(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"

"""The recording in README: what it shows is a session that was lived through, and it is a picture."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
HURRY = 0.1


@pytest.mark.timeout(120)
def test_the_recording_shows_the_heal_that_happened(tmp_path: Path) -> None:
    """The heal time and the pids in the picture are those in the pool's own event log."""
    spec = importlib.util.spec_from_file_location("make_recording", ROOT / "docs" / "make_recording.py")
    assert spec is not None
    assert spec.loader is not None
    recording = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recording)
    session = recording.Session(str(tmp_path), HURRY)
    try:
        frames = recording.live(session)
    finally:
        session.close()

    picture = ET.fromstring(recording.svg(frames))  # noqa: S314 - it is our own
    assert picture.tag == f"{SVG}svg"
    names = {group.get("id") for group in picture.iter(f"{SVG}g")}
    used = [use.get("href", "").removeprefix("#") for use in picture.iter(f"{SVG}use")]
    assert set(used) <= names
    drawn = " ".join("".join(text.itertext()) for text in picture.iter(f"{SVG}text"))
    events = [json.loads(line) for line in (tmp_path / "default" / "events.jsonl").read_text().splitlines()]
    died = next(event for event in events if event["event"] == "worker.exited" and event["slot"] == 1)
    healed = next(event for event in events if event["event"] == "worker.started" and event.get("heal_ms") is not None)
    shown = re.search(r"worker 1 started, healed in ([\d.]+) ms", drawn)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(healed["heal_ms"], abs=0.06)
    assert {str(died["pid"]), str(healed["pid"])} <= set(re.findall(r"\d+", drawn))
    assert "ALL AS WANTED" in drawn

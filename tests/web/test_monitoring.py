"""The alert rules and the Grafana dashboard in docs/monitoring go by metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from autohealer.core.pool.lifecycle import WorkerState
from autohealer.web.metrics import CAUSES, Metrics
from tests.support.processes import ROOT
from tests.web.scenes import SNAPSHOT, worker

MONITORING = ROOT / "docs" / "monitoring"
DOCUMENT = (ROOT / "docs" / "http.md").read_text()
NAME = re.compile(r"\bautohealer_[a-z_]+\b")
SAMPLED = replace(SNAPSHOT, workers=(worker(0)._replace(rss=1000, cpu_s=1.0),))
EXPOSED = Metrics(["default"]).expose({"default": SAMPLED}, "")[0].decode()
FAMILIES = {family.name: family for family in text_string_to_metric_families(EXPOSED)}
SAMPLES = {sample.name for family in FAMILIES.values() for sample in family.samples}

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool: apt-get install prometheus")


def expressions() -> list[str]:
    """Everything in the dashboard that Prometheus is asked."""
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*asked, *(each["expr"] for each in dashboard["annotations"]["list"])]


def test_names_are_those_of_metrics() -> None:
    """In rules and dashboard alike; labels have values that there can be."""
    rules = (MONITORING / "alerts.yml").read_text()
    for text in (rules, *expressions()):
        assert set(NAME.findall(text)) <= SAMPLES
        assert set(re.findall(r'state="([^"$]*)"', text)) <= set(WorkerState)
        assert set(re.findall(r'cause="([^"$]*)"', text)) <= set(CAUSES)
    assert len(set(NAME.findall(rules))) > 8
    assert len(expressions()) > 15


def test_panels_do_not_overlap() -> None:
    """Each has a place of its own in the 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((MONITORING / "grafana.json").read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_every_metric_is_documented() -> None:
    """In docs/http.md, and nothing is there that is not."""
    documented = set(NAME.findall(DOCUMENT))
    families = {name if family.type != "counter" else f"{name}_total" for name, family in FAMILIES.items()}
    assert families <= documented
    assert documented <= families | SAMPLES


@needs_promtool
def test_prometheus_finds_nothing_wrong() -> None:
    """With the rules, with the names and types of the metrics, and with what the dashboard asks."""
    as_rules = "\n".join(
        f"  - {{record: 'r:r', expr: {json.dumps(e.replace('$__rate_interval', '5m'))}}}" for e in expressions()
    )
    for arguments, text in (
        (["check", "rules", str(MONITORING / "alerts.yml")], ""),
        (["check", "metrics"], EXPOSED),
        (["check", "rules", "/dev/stdin"], f"groups:\n- name: dashboard\n  rules:\n{as_rules}\n"),
    ):
        checked = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr

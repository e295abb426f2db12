"""The page for Prometheus, read as strictly as Prometheus does, and the dashboard that draws it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.api.metrics import CONTENT_TYPE, Traffic, render

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
HOSTILE = 'a"b\\c\nd} 5\n# TYPE x counter'


def status(**changes: Any) -> dict[str, Any]:
    source = {"name": "x", "in_flight": 1, "queued": 2, "waiting": 3, "breaker": {"state": "half_open"}}
    receiver = {"waiting": 5, "oldest": "2026-01-01T00:00:00.000Z", "sent": 7, "failed": 2, "given_up": 0}
    return {
        "engine": {"version": "1.0", "uptime_s": 5.0},
        "counts": {"QUEUED": 2, "FAILED": 0},
        "speed_bps": 12.5,
        "disk": {"free_bytes": 10, "min_free_bytes": 1},
        "memory_bytes": 99,
        "cpu_percent": 1.5,
        "sources": [source, {**source, "name": HOSTILE, "breaker": None}],
        "webhooks": [receiver, {**receiver, "oldest": None}],
    } | changes


def page(**changes: Any) -> str:
    traffic = Traffic()
    traffic.count("GET", 200)
    traffic.count("PUT", 204)
    traffic.count(HOSTILE, 405)
    return render(status(**changes), traffic, streams=3, tasks=20)


def parsed(text: str) -> dict[str, tuple[str, dict[tuple[tuple[str, str], ...], float]]]:
    """Families by name: type, and values by labels. As the text format 0.0.4 has it, and no more lenient."""
    families: dict[str, tuple[str, dict[tuple[tuple[str, str], ...], float]]] = {}
    assert text.endswith("\n")
    lines = iter(text.removesuffix("\n").split("\n"))
    name = ""
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in families, "a family stands together"
            type_line = next(lines)
            assert re.fullmatch(rf"# TYPE {name} (counter|gauge)", type_line)
            families[name] = (type_line.rsplit(" ", 1)[1], {})
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == name
        labels = tuple(_LABEL.findall(sample[2] or ""))
        assert "".join(f'{key}="{value}",' for key, value in labels).rstrip(",") == (sample[2] or "")
        assert labels not in families[name][1], "no sample twice"
        families[name][1][labels] = float(sample[3])
    return families


def test_the_page_is_what_prometheus_reads():
    families = parsed(page())
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    assert all(name.startswith("reeldeck_") for name in families)
    for name, (kind, _) in families.items():
        assert name.endswith("_total") == (kind == "counter"), name
    assert families["reeldeck_jobs"][1] == {(("status", "QUEUED"),): 2, (("status", "FAILED"),): 0}
    assert families["reeldeck_source_breaker"][1][("source", "x"), ("state", "half_open")] == 1
    answers = families["reeldeck_api_answers_total"][1]
    assert answers[("method", "other"), ("status", "405")] == 1
    assert answers[("method", "PUT"), ("status", "204")] == 1


def test_receivers_of_webhooks_are_numbers():
    families = parsed(page())
    assert families["reeldeck_webhooks_waiting"][1] == {(("receiver", "1"),): 5, (("receiver", "2"),): 5}
    oldest = families["reeldeck_webhooks_oldest_timestamp_seconds"][1]
    assert oldest == {(("receiver", "1"),): 1767225600.0}
    assert families["reeldeck_webhooks_sent_total"][1][(("receiver", "2"),)] == 7


def test_what_is_not_known_is_left_out():
    families = parsed(page(speed_bps=None, webhooks=[], sources=[]))
    assert families["reeldeck_download_bytes_per_second"][1] == {}
    assert families["reeldeck_webhooks_waiting"][1] == {}


def test_the_dashboard_names_no_figure_that_there_is_not_and_leaves_none_out():
    dashboard = json.loads(DASHBOARD.read_text())
    families = parsed(page())
    drawn: set[str] = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            for name, matchers in re.findall(r"(reeldeck_\w+)\{([^}]*)\}", target["expr"]):
                drawn.add(name)
                _known_labels(families[name][1], matchers + target["legendFormat"])
    assert drawn == set(families)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def _known_labels(samples: Mapping[tuple[tuple[str, str], ...], float], text: str) -> None:
    """Labels that a query or legend names are there. `job` is Prometheus' own."""
    known = {key for labels in samples for key, _ in labels} | {"job"}
    named = set(re.findall(r"(\w+)(?:=~|!=|=)", text)) | set(re.findall(r"\{\{(\w+)\}\}", text))
    assert named <= known

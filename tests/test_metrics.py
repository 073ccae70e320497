"""What is counted has a name, a help and few labels; what alerts mean is written down."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from appliance import metrics

ROOT = Path(__file__).parent.parent
RULES = ROOT / "packaging/monitoring/alerts.yml"


def ours() -> dict[str, tuple[str, str]]:
    """Each metric of `appliance.metrics` by its name as exposed: its type and help, read as a monitor reads them."""
    assert metrics.__doc__
    families = text_string_to_metric_families(generate_latest().decode())
    return {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
        for family in families
        if family.name.startswith("outpost_") and not family.name.endswith("_created")
    }


def test_every_metric_is_typed_and_says_in_a_sentence_what_it_counts() -> None:
    found = ours()
    assert {"outpost_http_requests_total", "outpost_http_request_seconds", "outpost_jobs"} <= found.keys()
    assert not [name for name, (kind, text) in found.items() if kind == "unknown" or not text.endswith(".")]


def test_every_alert_is_explained() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    explained = re.findall(r"^\| `(\w+)`", (ROOT / "docs/operate/monitoring.md").read_text(), re.MULTILINE)
    assert alerts == explained

"""Alert rules and dashboards: each expression parses, and names only metrics and labels that a node has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
import pytest
import yaml
from prometheus_client import REGISTRY, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from appliance import metrics
from tests.api.plant import Plant, shared_plant

MONITORING = Path(__file__).parent.parent / "packaging/monitoring"
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
OF_THE_SCRAPE = {"instance", "job"}
"""Labels that Prometheus adds."""


@dataclass
class Named:
    """What an expression names, by metric; `kept` are the labels that come out of it, None where all do."""

    labels: dict[str, set[str]] = field(default_factory=dict)
    grouped: set[str] = field(default_factory=set)


def named_in(expression: str) -> Named:
    """Raises ValueError for an expression that does not parse."""
    found = Named()
    # Grafana writes the width of a step here.
    tree = promql.parse(expression.replace("$__rate_interval", "5m"))

    def look(one: Any) -> None:
        if isinstance(one, promql.VectorSelector):
            found.labels.setdefault(one.name or "", set()).update(each.name for each in one.matchers.matchers)
        elif isinstance(one, promql.AggregateExpr) and one.modifier is not None:
            found.grouped.update(one.modifier.labels)

    promql.walk(tree, look)
    return found


def known() -> dict[str, set[str]]:
    """Labels of each series that a node has, by its name as an expression names it."""
    assert metrics.__doc__
    series: dict[str, set[str]] = {}
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            labels = set(one._labelnames)
            if isinstance(one, Histogram):
                series |= {
                    one._name + "_bucket": labels | {"le"},
                    one._name + "_sum": labels,
                    one._name + "_count": labels,
                }
            else:
                series[one._name + ("_total" if one._type == "counter" else "")] = labels
    for family in REGISTRY.collect():
        if family.name.startswith("process_"):
            series |= {sample.name: set(sample.labels) for sample in family.samples}
    return series


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where it stands, the expression, and the text that shows its labels."""
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"], str(rule["annotations"]).replace("$labels.", "")
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"], target["legendFormat"]


ALL = list(expressions())


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.mark.parametrize(("where", "expression", "shown"), ALL, ids=[one[0] for one in ALL])
def test_an_expression_parses_and_names_only_what_a_node_has(where: str, expression: str, shown: str) -> None:
    named, series = named_in(expression), known()

    assert named.labels, "it names a series"
    assert named.labels.keys() <= series.keys()
    for metric, labels in named.labels.items():
        assert labels <= series[metric] | OF_THE_SCRAPE, metric
    every = set.union(*(series[metric] for metric in named.labels)) | OF_THE_SCRAPE
    assert named.grouped <= every
    legend = set(re.findall(r"\{\{ ?(\w+) ?\}\}", shown))
    assert legend <= (named.grouped or every), "a label that is shown comes out of the expression"


def test_every_series_that_a_dashboard_or_a_rule_names_is_on_a_live_node(plant: Plant) -> None:
    with httpx.Client(base_url=plant.node.url) as client:
        printed = client.get("/metrics").raise_for_status().text
    families = {family.name for family in text_string_to_metric_families(printed)}
    for _, expression, _ in ALL:
        for metric in named_in(expression).labels:
            assert re.sub(r"_(total|bucket|sum|count)$", "", metric) in families, metric


def test_there_is_a_dashboard_for_each_area_and_each_can_be_taken_in_by_grafana() -> None:
    assert [path.stem for path in DASHBOARDS] == ["budgets", "health", "http", "jobs", "models", "overview"]
    uids = set()
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        uids.add(board["uid"])
        assert board["title"].startswith("Outpost: ")
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in board["panels"]]
        assert all(x + w <= 24 for x, _, w, _ in places)
        assert not [
            (one, other)
            for number, one in enumerate(places)
            for other in places[number + 1 :]
            if one[0] < other[0] + other[2]
            and other[0] < one[0] + one[2]
            and one[1] < other[1] + other[3]
            and other[1] < one[1] + one[3]
        ], "no panel lies on another"
        assert '"uid": "${source}"' in path.read_text()
        assert "http" not in json.dumps([panel.get("links") for panel in board["panels"]])
    assert len(uids) == len(DASHBOARDS)


def test_what_does_not_parse_is_seen() -> None:
    with pytest.raises(ValueError, match=r".+"):
        named_in("sum by (le (rate(outpost_answers_total[5m]))")
    assert named_in('rate(outpost_answers_total{kind="x"}[$__rate_interval])').labels == {
        "outpost_answers_total": {"kind"}
    }

"""Both databases find the same by words and by meaning."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.retrieval import postgres_engine, store
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.postgres_engine import LONGEST_KEY, PostgresEngine
from appliance.retrieval.rules import wanted
from appliance.retrieval.values import Filters
from appliance.store import Admitted, Store, Tenant, open_store
from tests.conftest import HubServer, Template, no_record
from tests.retrieval.library import POLICY, Down, Library, facts, shown, text_passage, unit_vectors

Asker = Callable[..., Admitted]
TEXTS = (
    "Tighten the casing bolts of P-101A to 47 Nm.",
    "The casing of P-101B is cast iron; tighten nothing.",
    "Alarm E-0417: the drive tripped. Reset the drive, then the drive's fan.",
    "Grease the bearing weekly with grease NLGI 2. Grease it at rest.",
    "Before work: lock out the pump and hang a tag on the switch.",
)
QUESTIONS = (
    ["casing", "bolt"],
    ["greas"],
    ["drive", "fan", "nowher"],
    ["p-101a", "tighten"],
    ["pump", "tag", "switch"],
)


@pytest.fixture
async def hub_store(
    hub_template: Template, hub_server: HubServer, hub_database: str, tmp_path: Path
) -> AsyncIterator[Store]:
    opened = await open_store(hub_template.data, hub_server.url(hub_database, "outpost_app"))
    opened.post_record = no_record
    yield opened
    await opened.close()


async def found_by_words(
    library: Library, engine: SqliteEngine | PostgresEngine, required: list[str]
) -> list[list[float]]:
    found = []
    async with library.reading() as session:
        reach = store.reachable(store.visible(POLICY.scope(library.admit().principal, "search.query"), Filters()))
        for keys in QUESTIONS:
            rows = await engine.words(session, wanted(keys, required=required), reach, 10)
            found.append([round(score, 4) for _, score in sorted(rows)])
    return found


@pytest.mark.parametrize("required", [[], ["drive"], ["drive", "bear"], ["nowher"]])
async def test_both_databases_score_words_alike(
    node_store: Store,
    hub_store: Store,
    node_template: Template,
    hub_template: Template,
    asker: Asker,
    required: list[str],
) -> None:
    node_store.post_record = no_record
    on_node = Library(node_store, lambda: asker(tenant=node_template.tenants[0]))
    on_hub = Library(hub_store, lambda: asker(tenant=hub_template.tenants[0]), PostgresEngine())
    for library in (on_node, on_hub):
        for number, said in enumerate(TEXTS):
            passage = text_passage(said, heading="Pump P-101A > Care" if number % 2 else "Alarms")
            await library.put(facts(f"{number}.md", title="Manual of pumps"), passage)

    first = await found_by_words(on_node, SqliteEngine(), required)
    assert first == await found_by_words(on_hub, PostgresEngine(), required)
    assert any(first) == (required != ["nowher"])


@pytest.mark.parametrize("backend", ["postgres"])
async def test_a_walk_of_the_graph_goes_on_past_the_passages_of_other_tenants(
    library: Library, asker: Asker, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_engine, "EXACT_UP_TO", 0)
    aim = unit_vectors(["gasket torque"])[0]
    noise = np.random.default_rng(7)
    near = aim + noise.normal(0, 0.01, (300, aim.size)).astype(np.float32)
    far = aim + noise.normal(0, 0.2, (5, aim.size)).astype(np.float32)
    near, far = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (near, far))
    theirs = Library(library.store, lambda: asker(tenant=other_tenant, role="admin"), library.engine)
    await theirs.put(facts("theirs.md"), *[f"Gasket {at}." for at in range(300)], vectors=near)
    await library.put(facts("ours.md"), *[f"Gasket {at}." for at in range(5)], vectors=far)
    async with library.reading() as session:
        reach = store.reachable(store.visible(POLICY.scope(asker().principal, "search.query"), Filters()))
        rows = await library.engine.meaning(session, aim, reach, 5)
    assert len(rows) == 5
    assert [cosine for _, cosine in rows] == sorted((cosine for _, cosine in rows), reverse=True)


async def test_a_word_longer_than_an_index_entry_may_be_is_taken_in_and_hurts_nobody(
    library: Library, asker: Asker
) -> None:
    monster = "ü" * (40 * LONGEST_KEY)
    await library.put(facts("m.md"), f"The gasket {monster} is blue.")
    assert shown(await library.find(asker(), "gasket", Down())) == ["m.md"]
    assert shown(await library.find(asker(), f"gasket {monster}", Down())) == ["m.md"]

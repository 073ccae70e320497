"""The index on the encrypted store: what is put in is found, what is taken out is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from appliance.documents.values import Box, Line, Passage
from appliance.store import Admitted, Tenant, new_id
from tests.retrieval.library import Down, Library, facts, shown, text_passage, unit_vectors

Asker = Callable[..., Admitted]


async def dump(library: Library) -> str:
    """Everything the index keeps of words, in its own tables."""
    async with library.reading() as session:
        if session.get_bind().dialect.name == "postgresql":
            rows = [*(await session.execute(text("SELECT term FROM passage_postings")))]
            vectors = await session.scalar(text("SELECT count(embedding) FROM passages"))
        else:
            rows = [*(await session.execute(text("SELECT * FROM passage_terms")))]
            rows += [*(await session.execute(text("SELECT term FROM passage_vocabulary")))]
            vectors = await session.scalar(text("SELECT count(*) FROM passage_vectors"))
    return f"{rows} vectors={vectors}"


async def test_a_document_is_found_by_what_it_says(library: Library, asker: Asker) -> None:
    await library.put(facts("manual.md"), "Grease the bearing weekly.", "Tighten the casing bolts.")
    found = await library.find(asker(), "casing bolts")
    assert found.hits[0].passage.text == "Tighten the casing bolts."
    assert found.served_by == "words and meaning"


async def test_replacing_a_document_leaves_nothing_of_its_old_words(library: Library, asker: Asker) -> None:
    document = await library.put(facts("manual.md"), "The quixotic gasket is blue.", "Second passage.")
    await library.put(document, "The gasket is red.")
    found = await library.find(asker(), "quixotic gasket")
    assert [hit.passage.text for hit in found.hits] == ["The gasket is red."]
    kept = await dump(library)
    assert "quixot" not in kept
    assert kept.endswith("vectors=1")


async def test_a_lost_index_is_made_anew_under_the_same_numbers(library: Library, asker: Asker) -> None:
    document = await library.put(facts("manual.md"), "The quixotic gasket is blue.", "Second passage.")
    before = {hit.id for hit in (await library.find(asker(), "quixotic gasket")).hits}
    whole = await dump(library)
    async with library.writing() as session:
        ids = [id_ for (id_,) in await session.execute(text("SELECT id FROM passages ORDER BY ordinal"))]
        await library.index._engine.erase(session, ids)
    assert "quixot" not in await dump(library)
    for _ in range(2):
        async with library.writing() as session:
            await library.index.renew(session, document, unit_vectors(["one", "two"]))

    assert {hit.id for hit in (await library.find(asker(), "quixotic gasket", Down())).hits} & before
    assert await dump(library) == whole


async def test_a_removed_document_is_gone_with_words_and_vectors(library: Library, asker: Asker) -> None:
    document = await library.put(facts("manual.md", title="Zweibel manual"), "The quixotic gasket is blue.")
    async with library.writing() as session:
        await library.index.remove(session, document.id)
        await library.index.remove(session, document.id)
        await library.index.remove(session, new_id())
    assert shown(await library.find(asker(), "quixotic gasket")) == []
    kept = await dump(library)
    assert "quixot" not in kept
    assert "zweibel" not in kept
    assert kept.endswith("vectors=0")


async def test_an_id_of_a_removed_passage_is_never_given_again(library: Library, asker: Asker) -> None:
    document = await library.put(facts("manual.md"), "The gasket is blue.")
    old = {hit.id for hit in (await library.find(asker(), "gasket")).hits}
    async with library.writing() as session:
        await library.index.remove(session, document.id)
    await library.put(facts("other.md"), "The gasket is green.")
    new = {hit.id for hit in (await library.find(asker(), "gasket")).hits}
    assert old
    assert new
    assert not old & new


async def test_a_new_title_is_searched_and_the_old_one_forgotten(library: Library, asker: Asker) -> None:
    document = await library.put(facts("m.md", title="Quixotic manual"), "The gasket is blue.")
    async with library.writing() as session:
        await library.index.update(session, replace(document, title="Splendid manual"))
        await library.index.update(session, facts("unknown.md"))
    assert shown(await library.find(asker(), "splendid", Down())) == ["m.md"]
    assert shown(await library.find(asker(), "quixotic", Down())) == []
    assert (await dump(library)).endswith("vectors=1")


@pytest.mark.parametrize("change", [{"in_force": False}, {"level": 3}, {"tags": ("restricted",)}])
async def test_an_update_takes_a_document_out_of_reach_at_once(
    library: Library, asker: Asker, change: dict[str, object]
) -> None:
    document = await library.put(facts("m.md"), "The gasket is blue.")
    viewer = asker(role="viewer")
    assert shown(await library.find(viewer, "gasket")) == ["m.md"]
    async with library.writing() as session:
        await library.index.update(session, replace(document, **change))  # type: ignore[arg-type]
    assert shown(await library.find(viewer, "gasket")) == []


async def test_a_preview_gives_the_passages_in_order_from_where_it_is_asked(library: Library) -> None:
    texts = [f"Passage number {at}." for at in range(7)]
    document = await library.put(facts("m.md"), *texts)
    async with library.reading() as session:
        assert [item.text for item in await library.index.preview(session, document.id)] == texts
        part = await library.index.preview(session, document.id, start=2, limit=3)
        assert [item.ordinal for item in part] == [2, 3, 4]
        assert await library.index.preview(session, new_id()) == []


async def test_a_passage_comes_back_as_it_was_put_in(library: Library) -> None:
    passage = Passage(
        0, "table", "3 Data > Torques", 4, "Bolt: M12 | Torque: 47 Nm", 9, (Line(0, 9, Box(4, 0.1, 0.2, 0.3, 0.4)),)
    )
    document = await library.put(facts("m.pdf"), passage)
    async with library.reading() as session:
        assert await library.index.preview(session, document.id) == [passage]


async def test_vectors_that_do_not_match_their_passages_are_refused(library: Library) -> None:
    async with library.writing() as session:
        with pytest.raises(ValueError, match="2 passages and 1 vectors"):
            await library.index.replace(
                session, facts("m.md"), [text_passage("a"), text_passage("b", ordinal=1)], unit_vectors(["a"])
            )


async def test_nothing_of_a_failed_transaction_stays(library: Library, asker: Asker) -> None:
    document = facts("m.md")
    with pytest.raises(RuntimeError, match="power cut"):
        async with library.writing() as session:
            await library.index.replace(session, document, [text_passage("quixotic")], unit_vectors(["quixotic"]))
            raise RuntimeError("power cut")
    assert shown(await library.find(asker(), "quixotic")) == []
    assert await dump(library) == "[] vectors=0"


async def test_the_index_of_one_tenant_holds_nothing_for_another(
    library: Library, asker: Asker, other_tenant: Tenant
) -> None:
    document = await library.put(facts("m.md"), "The gasket is blue.")
    stranger = asker(tenant=other_tenant, role="admin", clearance=3)
    found = await library.find(stranger, "gasket blue")
    assert (found.hits, found.others) == ((), ())
    assert not found.asked.frequency
    assert found.asked.passages == 0
    async with library.store.open_session(stranger) as session:
        assert await library.index.preview(session, document.id) == []


def test_the_vectors_of_these_tests_are_unit_vectors() -> None:
    assert np.allclose(np.linalg.norm(unit_vectors(["a b", ""]), axis=1), 1)

"""Search: what a person may not read is never found, exact identifiers come first, words alone suffice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.retrieval.service import context_of
from appliance.retrieval.values import Filters
from appliance.store import Admitted, Principal, Tenant, new_id
from tests.retrieval.library import Down, Hashing, Library, facts, shown

Asker = Callable[..., Admitted]
RANKERS = pytest.mark.parametrize("ranker", [Hashing(), Down()], ids=["models up", "models down"])


@RANKERS
async def test_a_superseded_passage_is_never_found(library: Library, asker: Asker, ranker: Hashing | Down) -> None:
    await library.put(facts("r2.md", in_force=False, revision="2"), "The gasket torque is 40 Nm.")
    await library.put(facts("r3.md", revision="3"), "The gasket torque is 47 Nm.")
    for role in ("viewer", "operator", "admin"):
        found = await library.find(asker(role=role, clearance=3), "gasket torque 40 Nm revision 2", ranker)
        assert shown(found) == ["r3.md"]


@RANKERS
@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize("clearance", [1, 2, 3])
async def test_nobody_finds_what_is_above_their_clearance_or_role(
    library: Library, asker: Asker, ranker: Hashing | Down, role: str, clearance: int
) -> None:
    for level in (1, 2, 3, 4):
        await library.put(facts(f"level{level}.md", level=level), "The gasket torque.")
    await library.put(facts("restricted.md", tags=("restricted",)), "The gasket torque.")
    found = await library.find(asker(role=role, clearance=clearance), "gasket torque", ranker)
    # Level 3 is need-to-know: without a list only an admin reads it; level 4 is served to nobody.
    allowed = {f"level{level}.md" for level in (1, 2, 3) if level <= clearance and (level < 3 or role == "admin")}
    assert set(shown(found)) == allowed | ({"restricted.md"} if role != "viewer" else set())


@RANKERS
async def test_a_document_for_named_people_is_found_by_them_alone(
    library: Library, asker: Asker, tenant: Tenant, ranker: Hashing | Down
) -> None:
    named, other = (Principal(new_id(), "person", tenant.id, name, "viewer", 3) for name in ("Nora", "Olga"))
    await library.put(facts("secret.md", level=3, acl=(str(named.id),)), "The gasket torque.")
    assert shown(await library.find(asker(principal=named), "gasket", ranker)) == ["secret.md"]
    assert shown(await library.find(asker(principal=other), "gasket", ranker)) == []
    assert shown(await library.find(asker(principal=replace(named, clearance=2)), "gasket", ranker)) == []


@RANKERS
@pytest.mark.parametrize("eligible", ["", "EAR", "ITAR", "EAR ITAR"])
async def test_what_is_under_export_control_is_found_by_those_who_are_eligible(
    library: Library, asker: Asker, tenant: Tenant, ranker: Hashing | Down, eligible: str
) -> None:
    for regime in ("NONE", "EAR", "ITAR"):
        await library.put(replace(facts(f"{regime}.md"), export=regime), "The gasket torque.")
    words = frozenset(eligible.split())
    who = Principal(new_id(), "person", tenant.id, "Nora", "admin", 3, eligibility=words)

    found = shown(await library.find(asker(principal=who), "gasket torque", ranker))

    assert set(found) == {"NONE.md", *(f"{word}.md" for word in words)}


@RANKERS
async def test_what_belongs_to_a_team_is_found_by_those_who_are_in_it(
    library: Library, asker: Asker, tenant: Tenant, ranker: Hashing | Down
) -> None:
    await library.put(facts("all.md"), "The gasket torque.")
    await library.put(replace(facts("team.md"), team="pumps"), "The gasket torque.")
    outside = Principal(new_id(), "person", tenant.id, "Nora", "admin", 3, teams=frozenset({("valves", "owner")}))
    inside = replace(outside, teams=frozenset({("pumps", "viewer")}))

    assert shown(await library.find(asker(principal=outside), "gasket torque", ranker)) == ["all.md"]
    assert set(shown(await library.find(asker(principal=inside), "gasket torque", ranker))) == {"all.md", "team.md"}


async def test_what_may_not_be_read_takes_no_place_among_the_best(library: Library, asker: Asker) -> None:
    for number in range(70):
        await library.put(facts(f"secret{number}.md", level=3), "Gasket gasket gasket torque.")
    await library.put(facts("open.md"), "A long text about paint, drains, lamps and one gasket of the pump.")
    for ranker in (Hashing(), Down()):
        assert shown(await library.find(asker(role="viewer", clearance=2), "gasket torque", ranker)) == ["open.md"]


@RANKERS
async def test_another_tenant_finds_nothing(
    library: Library, asker: Asker, other_tenant: Tenant, ranker: Hashing | Down
) -> None:
    await library.put(facts("m.md"), "The gasket torque of P-101A.")
    found = await library.find(asker(tenant=other_tenant, role="admin", clearance=3), "gasket torque P-101A", ranker)
    assert (found.hits, found.others) == ((), ())


async def test_words_alone_serve_while_the_models_are_down(library: Library, asker: Asker) -> None:
    await library.put(facts("a.md"), "The gasket torque.")
    await library.put(facts("b.md"), "The gasket colour.")
    search = library.search(Down())
    found = await search.first(asker(), "gasket torque")
    assert found.served_by == "words only"
    assert shown(found) == ["a.md", "b.md"]
    assert all(hit.meaning is None and hit.words is not None for hit in found.hits)
    assert await search.reranked(found) == found


@RANKERS
async def test_the_passage_that_names_the_exact_alarm_is_first_by_its_words_and_stays_before_the_rest(
    library: Library, asker: Asker, ranker: Hashing | Down
) -> None:
    for number in range(400, 420):
        await library.put(facts(f"E-0{number}.md"), f"Alarm E-0{number}: the alarm of the booth means trouble.")
    for written in ("E-0417", "e0417", "E 0417", "e-417"):
        found = await library.find(asker(), f"What does alarm {written} mean?", ranker)
        assert max(found.hits, key=lambda hit: hit.words or 0).document.filename == "E-0417.md"
        assert "E-0417.md" in shown(found)[:2]


@RANKERS
async def test_a_sisters_passage_is_never_a_hit_for_the_machine_asked_for(
    library: Library, asker: Asker, ranker: Hashing | Down
) -> None:
    for number in range(30):
        await library.put(facts(f"b{number}.md", assets=("P-101B",)), "Casing bolts of P-101B: torque 52 Nm torque.")
    await library.put(facts("a.md", assets=("P-101A",)), "The bolts get 47 Nm.")
    found = await library.find(asker(), "casing bolts torque of p101a", ranker)
    assert [hit.document.filename for hit in found.hits] == ["a.md"]
    nothing = await library.find(asker(), "casing bolts torque of P-101C", ranker)
    assert nothing.hits == ()
    assert nothing.others


@RANKERS
async def test_filters_narrow_by_tag_kind_and_machine(library: Library, asker: Asker, ranker: Hashing | Down) -> None:
    await library.put(facts("a.md", tags=("line 1",), doc_type="manual", assets=("P-101A",)), "The gasket.")
    await library.put(facts("b.md", tags=("line 2",), doc_type="procedure", assets=("P-101B",)), "The gasket.")
    search = library.search(ranker)
    for filters in (Filters(tags=("line 1",)), Filters(doc_types=("manual",)), Filters(assets=("p 101a",))):
        assert shown(await search.first(asker(), "gasket", filters=filters)) == ["a.md"]
    both = Filters(tags=("line 1", "line 2"))
    assert set(shown(await search.first(asker(), "gasket", filters=both))) == {"a.md", "b.md"}
    assert shown(await search.first(asker(), "gasket", filters=Filters(tags=('line 1" OR 1=1',)))) == []


async def test_a_mistyped_word_finds_what_was_meant_and_says_so(library: Library, asker: Asker) -> None:
    await library.put(facts("m.md"), "Grease the gasket.")
    found = await library.find(asker(), "gaskte", Down())
    assert shown(found) == ["m.md"]
    assert list(found.asked.corrected.values()) == ["gasket"]


@pytest.mark.parametrize("written", ["bearnig", "bearin", "bearingg", "baering"])
async def test_a_slip_in_an_ending_is_seen_through(library: Library, asker: Asker, written: str) -> None:
    await library.put(facts("m.md"), "Grease both bearings.")
    found = await library.find(asker(), f"which {written}", Down())
    assert shown(found) == ["m.md"]


@RANKERS
@pytest.mark.parametrize("question", ["", "   ", "?!", "the", '"', "gasket\x00", "NEAR(", "💧", "a" * 5000])
async def test_any_question_is_searched_without_harm(
    library: Library, asker: Asker, ranker: Hashing | Down, question: str
) -> None:
    await library.put(facts("m.md"), "The gasket.")
    found = await library.find(asker(), question, ranker)
    assert set(shown(found)) <= {"m.md"}


async def test_reranking_orders_anew_and_loses_nothing(library: Library, asker: Asker) -> None:
    for number in range(20):
        await library.put(
            facts(f"{number}.md", title="Gasket list"), f"The gasket number {number} is kept in bay {number}."
        )
    search = library.search(Hashing())
    first = await search.first(asker(), "gasket in bay 7")
    ranked = await search.reranked(first)
    assert {hit.id for hit in ranked.hits} == {hit.id for hit in first.hits}
    scores = [hit.score for hit in ranked.hits]
    assert scores == sorted(scores, reverse=True)
    assert context_of(ranked.hits[0]).startswith("Gasket list\n")


async def test_neighbours_are_given_only_while_they_may_be_read(library: Library, asker: Asker) -> None:
    document = await library.put(facts("m.md"), *(f"Gasket part {at}." for at in range(6)))
    search = library.search(Down())
    hit = next(hit for hit in (await search.first(asker(), "gasket part")).hits if hit.passage.ordinal == 2)
    assert [item.passage.ordinal for item in await search.around(asker(), hit, reach=1)] == [1, 2, 3]
    async with library.writing() as session:
        await library.index.update(session, replace(document, level=4))
    assert await search.around(asker(), hit, reach=1) == ()


async def test_a_document_is_open_by_todays_rights_whether_or_not_it_is_in_force(
    library: Library, asker: Asker, other_tenant: Tenant
) -> None:
    seen = [facts("a.md"), facts("old.md", in_force=False), facts("two.md", level=2)]
    unseen = [facts("three.md", level=3), facts("tagged.md", tags=("restricted",))]
    for one in (*seen, *unseen):
        await library.put(one, "The gasket is blue.")
    everything = [one.id for one in (*seen, *unseen)] + [new_id()]
    search = library.search()

    assert await search.open_to(asker(role="viewer", clearance=2), everything) == {one.id: one.level for one in seen}
    assert await search.open_to(asker(tenant=other_tenant, role="admin", clearance=3), everything) == {}


async def test_an_approval_that_has_ended_opens_nothing(library: Library, asker: Asker) -> None:
    who = asker(role="admin", clearance=3)
    now = dt.datetime.now(dt.UTC)
    approved = replace(facts("four.md", level=4), approved=(str(who.principal.id),))
    for until, still_open in ((now + dt.timedelta(days=1), True), (now - dt.timedelta(seconds=1), False)):
        await library.put(replace(approved, approved_until=until), "The gasket is blue.")
        assert (approved.id in await library.search().open_to(who, [approved.id])) == still_open

"""Answers as people get them, from the demo plant, with the models up and with the models down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from appliance.answers import Answer, Answers, Passages
from appliance.answers.evaluation import holds
from appliance.answers.rules import Weights, shipped
from appliance.answers.trees import Trees
from appliance.documents.values import Regime
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.service import Search
from appliance.store import Admitted, Principal, Tenant, new_id
from models.client import ModelClient
from tests.answers.conftest import Read
from tests.retrieval.conftest import Asker
from tests.retrieval.library import POLICY, Library, facts, text_passage

CITED = {
    "document_id", "filename", "title", "revision", "page", "heading", "quote", "box", "boxes", "passage_id", "ordinal", "level",
}  # fmt: skip
ANSWERED = {
    "answer", "kind", "citations", "nearest", "passages", "verdict", "served_by", "grounded", "ms_to_quotes", "ms_total",
    "classification",
}  # fmt: skip
RIGHT = {
    "P-101A casing screw torque": "68 Nm",
    "What does alarm E-0417 mean?": "Booth air flow low",
}


async def ask(
    library: Library, models: ModelClient, who: Admitted, question: str, weights: Mapping[str, Weights] | None = None
) -> tuple[Passages, Answer]:
    search = Search(library.store, SqliteEngine(), POLICY, models)
    first, last = [step async for step in Answers(search, models, weights).ask(who, question)]
    assert isinstance(first, Passages)
    assert isinstance(last, Answer)
    return first, last


def assert_verbatim(answer: Answer, documents: list[Read]) -> None:
    texts = {(item.facts.id, passage.ordinal): passage.text for item in documents for passage in item.passages}
    for citation in (*answer.citations, *answer.nearest, *answer.passages):
        assert citation.quote in texts[citation.document_id, citation.ordinal]
    for citation in answer.citations:
        assert citation.quote in answer.text


async def test_passages_come_first_and_then_an_answer_in_the_fields_of_the_contract(
    embedded_plant: Library, asker: Asker, models: ModelClient, birch: list[Read]
) -> None:
    first, answer = await ask(embedded_plant, models, asker(), "What does alarm E-0417 mean?")
    assert set(first.as_json()) == {"passages", "ms"}
    assert 1 <= len(first.citations) <= 3
    shown = answer.as_json()
    assert set(shown) == ANSWERED
    assert set(shown["verdict"]) == {"kind", "text", "confidence"}
    assert all(set(item) == CITED for item in [*shown["citations"], *shown["passages"], *first.as_json()["passages"]])
    assert shown["kind"] == "quoted"
    assert 0 <= shown["verdict"]["confidence"] <= 1
    assert shown["ms_total"] >= shown["ms_to_quotes"] > 0
    assert_verbatim(answer, birch)


async def test_the_plants_questions_are_answered_in_its_own_words(
    embedded_plant: Library, asker: Asker, models: ModelClient, birch: list[Read]
) -> None:
    for question, right in RIGHT.items():
        _, answer = await ask(embedded_plant, models, asker(), question)
        assert answer.kind == "quoted", question
        assert holds(answer.text, right), question
        assert answer.served_by.startswith("outpost-small")
        assert answer.grounded
        assert_verbatim(answer, birch)


async def test_what_the_documents_do_not_say_is_not_answered(
    embedded_plant: Library, asker: Asker, models: ModelClient, birch: list[Read]
) -> None:
    for question in ("Which oil filter does P-101A need?", "Who won the football match on Sunday?"):
        _, answer = await ask(embedded_plant, models, asker(), question)
        assert (answer.kind, answer.citations) == ("none", ())
        assert answer.text == answer.verdict.text
        assert_verbatim(answer, birch)


async def test_search_only_still_quotes_while_the_models_are_down(
    plant: Library, asker: Asker, no_models: ModelClient, birch: list[Read]
) -> None:
    for question in ("P-101A casing screw torque", "What does alarm E-0417 mean?"):
        first, answer = await ask(plant, no_models, asker(), question)
        assert first.citations
        assert answer.served_by == "search only"
        assert answer.kind == "quoted"
        assert holds(answer.text, RIGHT[question])
        assert_verbatim(answer, birch)


@pytest.mark.parametrize(("odds", "verdict"), [(-3.0, "not-here"), (-0.4, "perhaps"), (0.4, "answer")])
async def test_a_quote_that_is_less_likely_right_than_wrong_is_given_as_what_may_be_it(
    library: Library, asker: Asker, no_models: ModelClient, odds: float, verdict: str
) -> None:
    await library.put(facts("TT.md"), "The torque of the casing bolts is 47 Nm.")
    weights = {"words": Weights(shipped()["words"].choice, Trees(odds, ()), threshold=0.1)}

    _, answer = await ask(library, no_models, asker(), "What is the torque of the casing bolts?", weights)

    assert answer.verdict.kind == verdict
    assert answer.kind == ("none" if verdict == "not-here" else "quoted")


async def test_only_the_sisters_document_gives_nothing_and_says_whose_is_nearest(
    library: Library, asker: Asker, no_models: ModelClient
) -> None:
    sister = facts("MAN-101B.md", assets=("P-101B",), title="Pump P-101B manual")
    await library.put(sister, "The casing bolts are tightened to a torque of 52 Nm.")
    _, answer = await ask(library, no_models, asker(), "What is the torque of the casing bolts of P-101A?")
    assert answer.kind == "none"
    assert answer.verdict.kind == "other-machine"
    assert answer.text == "Nothing for P-101A. The nearest is P-101B."
    assert not answer.citations
    assert [item.filename for item in answer.nearest] == ["MAN-101B.md"]


async def test_a_superseded_revision_never_answers(library: Library, asker: Asker, no_models: ModelClient) -> None:
    old = await library.put(facts("TT-r2.md", revision="2"), "The torque of the casing bolts is 40 Nm.")
    async with library.writing() as session:
        await library.index.update(session, replace(old, in_force=False))
    question = "What is the torque of the casing bolts?"
    assert (await ask(library, no_models, asker(), question))[1].kind == "none"
    await library.put(facts("TT-r3.md", revision="3"), "The torque of the casing bolts is 47 Nm.")
    for asked in (question, f"{question} Revision 2"):
        first, answer = await ask(library, no_models, asker(), asked)
        assert "40 Nm" not in str(answer.as_json()) + str(first.as_json())
    assert "In force is revision 3 of TT-r3.md." in answer.text


async def test_nobody_is_answered_from_what_they_may_not_read(
    library: Library, asker: Asker, no_models: ModelClient, other_tenant: Tenant
) -> None:
    await library.put(facts("secret.md", tags=("restricted",)), "The code of the gate is 7319 and its torque is 47 Nm.")
    question = "What is the code of the gate?"
    for who in (asker(role="viewer"), asker(tenant=other_tenant, role="admin", clearance=3)):
        first, answer = await ask(library, no_models, who, question)
        assert not first.citations
        assert (answer.kind, answer.nearest, answer.passages, answer.classification) == ("none", (), (), 1)
    first, _ = await ask(library, no_models, asker(role="operator"), question)
    assert [item.filename for item in first.citations] == ["secret.md"]


async def test_a_procedure_is_quoted_to_its_end_over_two_passages(
    library: Library, asker: Asker, no_models: ModelClient
) -> None:
    parts = (
        "To lock out the spray line:\n1. Stop the line.\n2. Lock the switch.",
        "3. Hang the tag.\n4. Try to start.",
    )
    made = [
        text_passage(text, ordinal=at, kind="steps", heading="Lock-out of the spray line")
        for at, text in enumerate(parts)
    ]
    await library.put(facts("loto.md", title="Lock-out of the spray line"), *made)
    _, answer = await ask(library, no_models, asker(), "How do I lock out the spray line?")
    assert answer.kind == "quoted"
    assert [item.ordinal for item in answer.citations] == [0, 1]
    assert answer.text.endswith("4. Try to start.")


@pytest.mark.parametrize("regime", ["NONE", "EAR", "ITAR"])
async def test_an_answer_knows_whether_it_was_quoted_from_what_is_under_export_control(
    library: Library, asker: Asker, no_models: ModelClient, tenant: Tenant, regime: Regime
) -> None:
    seal = replace(facts("seal.md", title="Seal plan"), export=regime)
    await library.put(seal, text_passage("The seal of P-101A is rated for 40 bar.", heading="Seal"))
    able = Principal(new_id(), "person", tenant.id, "Nora", "viewer", 2, eligibility=frozenset({"EAR", "ITAR"}))

    _, answer = await ask(library, no_models, asker(principal=able), "What is the seal of P-101A rated for?")
    _, other = await ask(library, no_models, asker(), "What is the seal of P-101A rated for?")

    assert answer.grounds
    assert answer.is_controlled == (regime != "NONE")
    assert bool(other.passages) == (regime == "NONE")

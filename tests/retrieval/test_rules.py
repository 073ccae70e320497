"""Rules of a search: match expressions, fusion, and which passage may speak for which machine."""

import sqlite3
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.retrieval.engines import match_expression
from appliance.retrieval.identifiers import identifiers
from appliance.retrieval.rules import (
    blended,
    correction,
    fused,
    keys_in,
    keys_of,
    searchable,
    speaks_for,
    wanted,
)
from appliance.retrieval.terms import column, exact_column
from tests.retrieval.library import facts, text_passage

RANKING = st.lists(st.integers(1, 40), unique=True, max_size=20)
CRAFTED = st.sampled_from(
    ['"', '" OR "', "NEAR(a b)", "exact:", "body : pump", "*", "pump*", "^pump", "- pump", "+", "(", "))", "{a b}:c",
     "AND", "OR", "NOT", '";DROP TABLE passage_terms;--', "a''b", "\x00", "pump\x00*", '""""', "P-101A/B", "_.-/"]
)  # fmt: skip
TEXTS = st.lists(st.one_of(CRAFTED, st.text(max_size=20)), max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def fts() -> Iterator[sqlite3.Connection]:
    """The text index as the migration makes it, with a passage and a decoy that only an operator could reach."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE passage_terms USING fts5(exact, body, heading, source, "
        "tokenize = \"unicode61 remove_diacritics 0 tokenchars '-._/'\")"
    )
    text = "Tighten the casing bolts of P-101A to 47 Nm, then open valve XV-115."
    rows = [(exact_column(text), column(text), "", ""), ("zzdecoy", "zzdecoy", "zzdecoy", "zzdecoy")]
    connection.executemany("INSERT INTO passage_terms VALUES (?, ?, ?, ?)", rows)
    yield connection
    connection.close()


def expression(keys: Iterable[str], required: Iterable[str] = ()) -> str:
    return match_expression(wanted(keys, required=required))


def matching(fts: sqlite3.Connection, expression: str) -> list[int]:
    query = "SELECT rowid FROM passage_terms WHERE passage_terms MATCH ? ORDER BY rank"
    return [row for (row,) in fts.execute(query, (expression,))]


@given(question=TEXTS)
def test_no_question_is_read_as_syntax_of_the_text_index(fts: sqlite3.Connection, question: str) -> None:
    keys = [term.key for term in searchable(question)]
    if keys and "zzdecoy" not in question.lower():
        assert 2 not in matching(fts, expression(keys))


@given(keys=st.lists(TEXTS.filter(bool), min_size=1, max_size=4), required=st.lists(TEXTS.filter(bool), max_size=2))
def test_even_raw_keys_cannot_break_out_of_their_quotes(
    fts: sqlite3.Connection, keys: list[str], required: list[str]
) -> None:
    clean = [key.replace("\x00", "") for key in keys]
    assert 2 not in matching(fts, expression(clean, required=[key.replace("\x00", "") for key in required]))


def test_any_word_of_the_question_is_enough_but_a_required_one_must_stand(fts: sqlite3.Connection) -> None:
    assert matching(fts, expression(["bolt", "nowher"])) == [1]
    assert matching(fts, expression(["bolt"], required=["p101a"])) == [1]
    assert matching(fts, expression(["bolt"], required=["p101b"])) == []
    assert matching(fts, expression([], required=["p101a"])) == [1]


def test_a_question_of_stop_words_alone_is_still_searched() -> None:
    assert searchable("what is it")
    assert {term.key for term in searchable("what is the torque")} == {"torqu"}


@given(RANKING, RANKING)
def test_fusion_keeps_every_id_and_scores_at_most_one(words: list[int], meaning: list[int]) -> None:
    scores = fused(words, meaning)
    assert set(scores) == {*words, *meaning}
    assert all(0 < score <= 1 + 1e-9 for score in scores.values())


@given(RANKING.filter(bool))
def test_two_searches_that_agree_keep_their_order(ranking: list[int]) -> None:
    scores = fused(ranking, ranking)
    assert sorted(scores, key=lambda id_: -scores[id_]) == ranking
    assert scores[ranking[0]] == pytest.approx(1.0)


@given(RANKING.filter(bool))
def test_words_alone_keep_their_order(ranking: list[int]) -> None:
    scores = fused(ranking, [])
    assert sorted(scores, key=lambda id_: -scores[id_]) == ranking


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=20))
def test_blending_stays_between_none_and_one(pairs: list[tuple[float, float]]) -> None:
    mixed = blended([a for a, _ in pairs], [b for _, b in pairs])
    assert len(mixed) == len(pairs)
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in mixed)


def test_a_sisters_document_never_speaks_for_a_machine_even_where_it_mentions_it() -> None:
    asked = identifiers("P-101A")
    mention = text_passage("P-101A has the same casing.")
    assert not speaks_for(asked, facts("b.md", assets=("P-101B",)), mention)
    assert speaks_for(asked, facts("a.md", assets=("P-101A",)), text_passage("The casing."))
    assert speaks_for(asked, facts("list.md"), mention)
    assert speaks_for(asked, facts("MAN_P-101A_r2.pdf"), text_passage("The casing."))
    assert not speaks_for(asked, facts("other.md"), text_passage("The casing."))


def test_of_two_sisters_asked_either_may_speak_but_of_two_machines_both_must() -> None:
    only_b = facts("b.md", assets=("P-101B",))
    assert speaks_for(identifiers("P-101A/B"), only_b, text_passage("x"))
    assert not speaks_for(identifiers("P-101B and FT-2031"), only_b, text_passage("x"))
    assert speaks_for(identifiers("P-101B and FT-2031"), only_b, text_passage("FT-2031 stops it"))


def test_an_asset_that_is_a_plain_name_is_its_own_key() -> None:
    assert keys_of(["Spray line", "P-101A"]) == {"spray line", "p101a"}
    assert "p101a" in keys_in("MAN_P-101A_r2.pdf")


def test_a_mistyped_word_becomes_the_most_frequent_word_one_slip_away() -> None:
    assert correction("bearng", {"bear": 9, "bearing": 4, "bering": 1}) == "bearing"
    assert correction("gasket", {"pump": 9}) is None

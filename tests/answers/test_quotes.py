"""Quotes: verbatim always, and a figure never parted from its label, its row, its column or its machine."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.candidates import candidates, sentences
from appliance.answers.citing import LONGEST_FIRST_QUOTE, cite_candidate, cite_first
from appliance.answers.features import features
from appliance.answers.rows import table
from appliance.answers.rules import Weighed, Weights, compared, is_certain, other_answers, quotable, same_procedure
from appliance.answers.trees import Trees
from appliance.documents.values import Box, Line, Passage, PassageKind
from appliance.retrieval.terms import stem
from appliance.retrieval.values import Hit
from tests.answers.asking import allowed, asking, chosen, hit
from tests.retrieval.library import facts

CELLS = st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters="|:"), min_size=1, max_size=8)
KINDS = st.sampled_from(["text", "table", "list", "steps", "code"])
LINES = st.one_of(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4).map(lambda row: " | ".join(f"{h}: {v}" for h, v in row)),
    st.lists(CELLS, min_size=1, max_size=9).map(lambda words: " ".join(words) + "."),
    st.tuples(st.integers(1, 30), CELLS).map(lambda step: f"{step[0]}. {step[1]}"),
    CELLS.map(lambda cell: f"- {cell}"),
    st.text(max_size=60),
)
THREADS = ["M5", "M6", "M8", "M10", "M12", "M16", "M20", "M24"]
PARTS = ["casing cover", "bearing bracket", "coupling guard", "motor foot", "suction flange", "gland plate"]
TORQUES = st.lists(st.integers(2, 400), min_size=6, max_size=6, unique=True)


def torques(labels: list[str], values: list[int], header: str) -> str:
    return "\n".join(f"{header}: {label} | Torque: {value} Nm" for label, value in zip(labels, values, strict=False))


@given(st.lists(LINES, min_size=1, max_size=7).map("\n".join), KINDS)
def test_every_quote_is_an_exact_stretch_of_its_passage(text: str, kind: PassageKind) -> None:
    found = hit(text, kind=kind)
    for candidate in candidates(found):
        for citation in cite_candidate(candidate):
            assert citation.quote in text
    if text.strip():
        quote = cite_first(found).quote
        assert quote in text
        assert len(quote) <= max(LONGEST_FIRST_QUOTE, 1)


@given(st.lists(LINES, min_size=1, max_size=7).map("\n".join))
def test_cells_and_sentences_stand_where_they_say(text: str) -> None:
    for row in table(text).rows:
        for cell in row.cells:
            assert cell.value in text[cell.value_start : cell.end] or not cell.value
            assert row.start <= cell.start <= cell.end <= max(row.end, cell.end)
    places = sentences(text)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(places))


@given(st.permutations(THREADS), TORQUES)
def test_of_a_torque_table_only_the_row_of_the_thread_asked_for_is_allowed(order: list[str], values: list[int]) -> None:
    labels = order[:6]
    found = hit(torques(labels, values, "Thread"), kind="table")
    for label, value in zip(labels, values, strict=True):
        quotes = [item.text for item in allowed(f"What is the torque of {label} bolts?", [found])]
        assert quotes == [f"Thread: {label} | Torque: {value} Nm"]


@given(st.permutations(PARTS), TORQUES)
def test_of_a_torque_table_the_row_of_the_part_asked_for_is_chosen(order: list[str], values: list[int]) -> None:
    found = hit(torques(order, values, "Part"), kind="table")
    for label, value in zip(order, values, strict=True):
        best = chosen(f"What is the tightening torque of the {label}?", [found])
        assert best is not None
        assert best.text == f"Part: {label} | Torque: {value} Nm"


@given(st.permutations(THREADS), TORQUES)
def test_a_thread_that_no_row_names_gets_no_row(order: list[str], values: list[int]) -> None:
    found = hit(torques(order[:6], values, "Thread"), kind="table")
    assert allowed(f"What is the torque of {order[6]} bolts?", [found]) == []


@given(st.integers(1, 99), st.integers(100, 199))
def test_of_two_machines_compared_only_the_column_asked_for_is_quoted(one: int, other: int) -> None:
    text = f"Quantity: Length | CV-230: {one} m | CV-231: {other} m\nQuantity: Sag | CV-230: 50 mm | CV-231: 30 mm"
    found = hit(text, kind="table", document=facts("MAN-230.md", assets=("CV-230", "CV-231")))
    for asked, right, wrong in (("CV-230", one, other), ("cv231", other, one)):
        best = chosen(f"What is the length of {asked}?", [found])
        assert best is not None
        assert f"{right} m" in best.text
        assert f": {wrong} m" not in best.text
        assert "Quantity: Length" in best.text


def test_of_alarm_and_trip_limits_only_the_one_asked_for_is_quoted() -> None:
    text = (
        "Measurement: Vibration | Alarm: 4.5 mm/s | Trip: 7.1 mm/s\nMeasurement: Bearing | Alarm: 80 °C | Trip: 95 °C"
    )
    best = chosen("What is the trip limit of the vibration?", [hit(text, kind="table")])
    assert best is not None
    assert best.text == "Measurement: Vibration | Trip: 7.1 mm/s"
    assert [item.quote for item in cite_candidate(best)] == ["Measurement: Vibration", "Trip: 7.1 mm/s"]


@pytest.mark.parametrize("asked", ["P-101A", "p101a", "P 101A"])
def test_a_sisters_figure_is_never_allowed(asked: str) -> None:
    sister = hit("The casing bolts get 52 Nm.", document=facts("b.md", assets=("P-101B",)))
    mixed = hit(
        "P-101B: the casing bolts get 52 Nm. P-101A: the casing bolts get 47 Nm.",
        document=facts("both.md", assets=("P-101A", "P-101B")),
    )
    assert allowed(f"Torque of the casing bolts of {asked}?", [sister]) == []
    quotes = [item.text for item in allowed(f"Torque of the casing bolts of {asked}?", [mixed])]
    assert quotes == ["P-101A: the casing bolts get 47 Nm."]


def test_a_line_about_another_machine_of_the_document_is_not_about_the_one_asked_for() -> None:
    plan = facts("lubrication.md", assets=("FL-200", "BL-120"))
    line = hit("A sample of 100 mL is drawn from the main gear of FL-200 every 2,000 h.", document=plan)

    assert allowed("How often is a sample drawn from the gear of BL-120?", [line]) == []
    assert allowed("How often is a sample drawn from the gear of FL-200?", [line]) != []


def test_a_row_of_another_alarm_is_never_allowed() -> None:
    text = "Code: E-0411 | Message: Oxygen high\nCode: E-0417 | Message: Air flow low\nCode: E-0422 | Message: Oven hot"
    assert [item.text for item in allowed("What does alarm E-0417 mean?", [hit(text, kind="table")])] == [
        "Code: E-0417 | Message: Air flow low"
    ]
    assert allowed("What does alarm E-0418 mean?", [hit(text, kind="table")]) == []


def test_steps_for_two_sisters_are_those_of_each_though_they_make_an_exception_for_one() -> None:
    both = facts("lock-out.md", assets=("P-101A", "P-101B"))
    text = "1. Tell the operator.\n2. Switch off. For P-101B wait 5 minutes.\n3. For P-101B close HV-128.\n4. Open the drain."
    isolating = hit(text, kind="steps", document=both, heading="Isolating")
    starting = hit("1. Start P-101B.\n2. Wait.\n3. Open HV-113.", kind="steps", document=both, heading="Starting")

    assert text in [item.text for item in allowed("How do I lock out P-101A?", [isolating])]
    assert allowed("How do I start P-101A?", [starting]) == []


def test_a_procedure_under_another_heading_gives_way_to_the_one_that_names_what_is_to_be_done() -> None:
    document = facts("lock-out.md")
    isolating = hit("1. Stop the pump.\n2. Fit the lock.", kind="steps", document=document, heading="L > 3 Isolating")
    returning = hit("1. Take off the lock.\n2. Start.", kind="steps", document=document, heading="L > 5 Return", id_=2)

    def headings(question: str) -> list[str]:
        found = allowed(question, [returning, isolating])
        return [item.hit.passage.heading for item in found if item.kind == "steps"]

    assert headings("How do I lock out the pump?") == ["L > 3 Isolating"]
    assert headings("How do I bring the pump back after the lock-out?") == ["L > 5 Return", "L > 3 Isolating"]


def test_a_row_of_the_code_asked_for_tells_what_it_means() -> None:
    question = asking("What does alarm E-0417 mean?")
    row = candidates(hit("Code: E-0417 | Message: Air flow low", kind="table"))[0]

    assert features(question, row).wish == 1.0


@pytest.mark.parametrize(
    ("asked", "several"),
    [
        ("What is the torque of the M12 bolts?", True),
        ("What is the torque of the M12 bolts of the bowl lid?", False),
        ("What is the torque of the M8 bolts?", False),
        ("Who tightens the M12 bolts?", False),
    ],
)
def test_rows_that_a_question_fits_alike_are_given_together(asked: str, several: bool) -> None:
    text = "\n".join(
        f"Joint: {joint} | Thread: {thread} | Torque: {value} Nm"
        for joint, thread, value in (("Bowl lid", "M12", 58), ("Cylinder foot", "M12", 72), ("Clamp", "M8", 14))
    )
    question = asking(asked)
    rows = [item for item, refused in quotable(question, [hit(text, kind="table")]) if refused is None]
    weighed = [Weighed(item, features(question, item), 1.0 / at, None) for at, item in enumerate(rows, 1)]

    assert bool(other_answers(question, weighed[0], weighed)) == several


def test_a_revision_that_is_not_the_documents_own_is_refused() -> None:
    found = hit("The casing bolts get 47 Nm.", document=facts("r3.md", revision="3"))
    assert allowed("Torque of the casing bolts in revision 2?", [found]) == []
    assert allowed("Torque of the casing bolts in revision 3?", [found])


def test_a_procedure_goes_on_over_its_passages_and_stops_at_the_next_heading() -> None:
    parts = [
        hit("Before work:\n1. Stop.\n2. Lock.", kind="steps", heading="Lock-out", ordinal=3, id_=1),
        hit("Before work:\n3. Tag.\n4. Try.", kind="steps", heading="Lock-out", ordinal=4, id_=2),
        hit("5. Start.", kind="steps", heading="Start-up", ordinal=5, id_=3),
    ]
    for part in parts[:2]:
        first = next(item for item in candidates(part) if item.kind == "steps")
        whole = same_procedure(first, parts)
        assert [item.hit.id for item in whole] == [1, 2]
        assert [line for line in "\n".join(item.text for item in whole).split("\n") if line[0].isdigit()] == [
            "1. Stop.", "2. Lock.", "3. Tag.", "4. Try."
        ]  # fmt: skip
    alone = hit("9. Other.", kind="steps", heading="Lock-out", ordinal=4, id_=4)
    first = next(item for item in candidates(parts[0]) if item.kind == "steps")
    assert same_procedure(first, [alone]) == [first]


@pytest.mark.parametrize("text", ["The low-water limiter trips.", "The limiter for low water trips."])
def test_a_compound_is_one_word_of_the_question_and_may_be_two_of_the_document(text: str) -> None:
    question = asking("Which low-water limiter trips?")

    assert [word.key for word in question.words] == [stem("lowwater"), stem("limiter"), stem("trips")]
    assert features(question, candidates(hit(text))[0]).quote == 1.0


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("What do I do with blocked pallets?", True),
        ("A drum has tipped over, what do I do?", True),
        ("What does the operator have to do after a burst?", True),
        ("What does the lamp do?", False),
        ("What must be done by the operator?", False),
    ],
)
def test_who_asks_what_to_do_wishes_for_steps(text: str, steps: bool) -> None:
    assert (asking(text).wish == "steps") == steps


def test_of_two_of_a_kind_the_row_is_meant_that_holds_what_the_question_asks_by() -> None:
    text = "Test: Low-water limiter L-7A | How: lower the level\nTest: Second limiter L-7B | How: test button"
    question = "Which low-water limiter is tested with a test button?"

    assert [item.text for item in allowed(question, [hit(text, kind="table")])] == [
        "Test: Second limiter L-7B | How: test button"
    ]


def test_the_column_that_holds_what_the_question_names_is_not_the_one_asked_for() -> None:
    text = "Part: Drive sprocket | Part number: SP-2518 | Fits: CV-231\nPart: Slat | Part number: SL-25 | Fits: CV-231"
    best = chosen("Which drive sprocket fits CV-231?", [hit(text, kind="table")])

    assert best is not None
    assert best.text == "Part: Drive sprocket | Part number: SP-2518 | Fits: CV-231"


def test_a_figure_keeps_the_label_of_its_row_though_that_is_a_figure_of_the_same_kind() -> None:
    text = "Load: 50 % | Oxygen: 5.2 % | Flue gas: 95 °C\nLoad: 100 % | Oxygen: 3.9 % | Flue gas: 112 °C"
    quotes = [item.text for item in allowed("How hot is the flue gas?", [hit(text, kind="table")])]

    assert quotes == ["Load: 50 % | Oxygen: 5.2 % | Flue gas: 95 °C", "Load: 100 % | Oxygen: 3.9 % | Flue gas: 112 °C"]
    oxygen = [item.text for item in allowed("How much oxygen is in the flue gas?", [hit(text, kind="table")])]
    assert all(quote.startswith("Load: ") for quote in oxygen)


def test_who_asks_which_one_is_not_answered_with_either() -> None:
    row = hit("Text: Low water, burner off | Limit: LSLL-7A or LSLL-7B | Class: 1", kind="table")

    assert allowed("Which low-water limiter switches the burner off?", [row]) == []
    assert allowed("Which limiters are there for low water?", [row]) != []
    assert allowed("What is the limit for low water of LSLL-7A?", [row]) != []


def test_the_torque_of_the_first_round_is_not_the_torque() -> None:
    first = hit("Tighten the casing bolts crosswise in two rounds, the first at 25 Nm.")
    both = hit("Tighten the casing bolts crosswise in two rounds, the first at 25 Nm, the second at 47 Nm.")

    assert allowed("What torque do the casing bolts get?", [first]) == []
    assert allowed("What torque do the casing bolts get in the first round?", [first]) != []
    assert allowed("What torque do the casing bolts get?", [both]) != []


@pytest.mark.parametrize(
    ("question", "odds", "given"),
    [
        ("When are the drip trays emptied?", -1.0, True),
        ("What is for lunch in the canteen on Fridays?", -1.0, False),
        ("What is for lunch in the canteen on Fridays?", 1.0, True),
    ],
)
def test_a_quote_that_shares_little_with_the_question_needs_half_a_chance(
    question: str, odds: float, given: bool
) -> None:
    asked, quote = asking(question), candidates(hit("Drip trays are emptied on Fridays."))[0]
    weights = Weights(choice={}, verdict=Trees(odds, ()), threshold=0.1)

    assert is_certain(Weighed(quote, features(asked, quote), 1.0, None), weights) == given


def test_the_figure_of_a_stage_is_not_that_of_a_class() -> None:
    text = "Text: Gas, stage 1 | Limit: 25 ppm | Class: 1\nText: Gas, stage 2 | Limit: 150 ppm | Class: 1"

    assert [
        item.text for item in allowed("At how many ppm does gas stage 1 raise the alarm?", [hit(text, kind="table")])
    ] == ["Text: Gas, stage 1 | Limit: 25 ppm | Class: 1"]


def test_how_to_questions_wish_for_steps_and_figures_for_their_unit() -> None:
    assert asking("How do I lock out the pump?").wish == "steps"
    assert asking("What is the torque of the bolt?").dimensions == {"torque"}
    assert asking("Why is the valve closed?").wish == "cause"
    assert asking("Torque in revision 2?").revision == "2"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Which oil filter does K-7 need?", {"oil", "filter"}),
        ("What kind of grease is put on the spindle?", {"greas"}),
        ("What is the serial number of the press?", {"serial"}),
        ("What happens if the door opens?", set()),
        ("Who may open the door?", set()),
    ],
)
def test_what_is_to_be_named_is_read_from_the_question(question: str, kind: set[str]) -> None:
    assert asking(question).kind == kind


def test_a_row_with_a_column_for_what_is_to_be_named_says_so() -> None:
    question = asking("What grease goes on the guide rails?")
    named = hit("Point: Guide rails | Grease: G4 | Interval: 200 h", kind="table")
    done = hit("Interval: 200 h | Work: Grease the guide rails | By: fitter", kind="table")

    assert [features(question, candidates(found)[0]).kind for found in (named, done)] == [1.0, 0.0]


def test_a_row_that_hardly_beats_the_next_of_its_table_is_not_clear() -> None:
    text = "Test: Limiter A | How: lower the level\nTest: Limiter B | How: press the button\nTest: Lamp | How: look"
    question = asking("Which limiter is tested?")
    known = [(item, features(question, item)) for item in candidates(hit(text, kind="table"))]
    weighed = [Weighed(item, found, score, None) for (item, found), score in zip(known, (0.9, 0.85, 0.2), strict=True)]

    assert [round(item.features.clear, 2) for item in compared(weighed)] == [0.05, 0.0, 0.0]
    assert compared(weighed[:1])[0].features.clear == 1.0


def test_a_quote_on_the_second_page_is_cited_and_boxed_there() -> None:
    rows = ["Thread: M8 | Torque: 23 Nm", "Thread: M12 | Torque: 79 Nm"]
    low, high = Box(1, 0.1, 0.9, 0.8, 0.95), Box(2, 0.1, 0.05, 0.8, 0.1)
    lines = (Line(0, len(rows[0]), low), Line(len(rows[0]) + 1, len(rows[0]) + 1 + len(rows[1]), high))
    found = Hit(1, facts("torque.pdf"), Passage(0, "table", "", 1, "\n".join(rows), 14, lines), score=1.0)

    cited = [citation for candidate in candidates(found) for citation in cite_candidate(candidate)]

    assert [(one.quote, one.page, one.boxes) for one in cited] == [
        (rows[0], 1, (low.sides,)),
        (rows[1], 2, (high.sides,)),
    ]
    assert (cite_first(found).page, cite_first(found).boxes) == (1, (low.sides,))

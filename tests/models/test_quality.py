"""What the installed models must know: meaning for the embedder, places and refusals for the reader.

The sentences are our own and stand in no training data; they are facts to hold, not figures to tune on.
"""

import numpy as np
import pytest

from models.engines.embedder import Embedder
from models.engines.onnx import finish
from models.engines.reader import Reader

PAIRS = [
    (
        "How do I stop the conveyor in an emergency?",
        "Press the red button to halt the belt at once.",
        "The canteen menu.",
    ),
    ("The gearbox is leaking oil.", "Lubricant drips from the transmission.", "The invoice was paid in March."),
    (
        "Which gloves are needed for acid?",
        "Wear chemical-resistant hand protection.",
        "The line makes 900 bottles a minute.",
    ),
    ("Calibrate the scale every week.", "The balance is to be adjusted weekly.", "The boiler is in hall 4."),
]

TABLE = (
    "Rinser RN-7 > Tightening torques\n"
    "Position: gripper arm | Thread: M6 | Torque: 9 Nm\n"
    "Position: drive flange | Thread: M12 | Torque: 84 Nm\n"
    "Position: base frame | Thread: M20 | Torque: 390 Nm"
)
STEPS = (
    "Changing the filter\n1. Inform the shift leader.\n2. Close valve V-31.\n"
    "3. Wait 15 minutes until the housing is cold.\n4. Replace the cartridge and the O-ring."
)
PROSE = (
    "The evaporator runs at 72 °C. If the level in the sump falls below 20 %, the feed pump starts by itself; it stops again "
    "at 65 %. Only an electrician may open the terminal box. The unit was inspected by Ms Okafor in October."
)
ANSWERS = [
    ("What torque does the drive flange need?", TABLE, "84 Nm"),
    ("Which thread has the base frame?", TABLE, "M20"),
    ("Which valve is closed before changing the filter?", STEPS, "V-31"),
    ("How long must one wait until the housing is cold?", STEPS, "15 minutes"),
    ("At what temperature does the evaporator run?", PROSE, "72 °C"),
    ("Who may open the terminal box?", PROSE, "electrician"),
]
NEAR_MISSES = [
    ("What torque does the chain guard need?", TABLE),
    ("What is the part number of the gripper arm?", TABLE),
    ("How much does the cartridge cost?", STEPS),
    ("Which lubricant goes into the gearbox?", PROSE),
    ("What does alarm E-77 mean?", PROSE),
    ("Who founded the company?", PROSE),
]


@pytest.mark.parametrize(("text", "paraphrase", "unrelated"), PAIRS)
def test_a_paraphrase_is_closer_than_an_unrelated_sentence(
    embedder: Embedder, text: str, paraphrase: str, unrelated: str
) -> None:
    one, two, three = finish(embedder.embed([text, paraphrase, unrelated]))

    assert float(one @ two) > float(one @ three) + 0.15


def test_vectors_have_length_one_and_do_not_depend_on_the_batch(embedder: Embedder) -> None:
    texts = ["valve", "The pump trips at 8 bar.", "A much longer sentence about pumps and valves. " * 9, ""]

    together = finish(embedder.embed(texts))

    assert together.shape == (4, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert float(finish(embedder.embed([text]))[0] @ vector) > 0.98


@pytest.mark.parametrize(("query", "good", "bad"), PAIRS)
def test_reranking_puts_the_paraphrase_first(embedder: Embedder, query: str, good: str, bad: str) -> None:
    worse, better = finish(embedder.rerank(query, [bad, good]))

    assert better > worse


@pytest.mark.parametrize(("question", "passage", "answer"), ANSWERS)
def test_the_reader_marks_the_answer(reader: Reader, question: str, passage: str, answer: str) -> None:
    best = finish(reader.read(question, [passage]))[0].spans[0]

    assert answer in best.text
    assert len(best.text) <= len(answer) + 24
    assert passage[best.start : best.end] == best.text


def test_the_reader_tells_answers_from_near_misses(reader: Reader) -> None:
    answered = [finish(reader.read(q, [passage]))[0].answerable for q, passage, _ in ANSWERS]
    missed = [finish(reader.read(q, [passage]))[0].answerable for q, passage in NEAR_MISSES]

    assert min(answered) > max(missed)
    assert sum(chance > 0.5 for chance in answered) >= 5
    assert sum(chance < 0.5 for chance in missed) >= 5


def test_an_answer_deep_in_a_long_passage_is_found(reader: Reader) -> None:
    filler = "The hall is swept every evening and the doors are locked by the guard. "
    passage = filler * 40 + "The sluice gate opens at a level of 3.4 m. " + filler * 10

    reading = finish(reader.read("At what level does the sluice gate open?", [passage]))[0]

    assert "3.4 m" in reading.spans[0].text
    assert passage[reading.spans[0].start : reading.spans[0].end] == reading.spans[0].text


def test_passages_are_read_alike_alone_and_together(reader: Reader) -> None:
    passages = [TABLE, STEPS, PROSE, ""]

    together = finish(reader.read("Which valve is closed?", passages))

    for passage, reading in zip(passages, together, strict=True):
        alone = finish(reader.read("Which valve is closed?", [passage]))[0]
        assert abs(alone.answerable - reading.answerable) < 0.2
        assert [span.text for span in alone.spans][:1] == [span.text for span in reading.spans][:1]

"""Training examples say what is true of their passage."""

import random
import re
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from models.starter import plant
from models.starter import plant_words as w
from models.starter.squad import Article, Paragraph, answered, locate, near_miss, split, swapped, training, words

TEXTS = (
    "The mill was built in 1871. In 1902 a flood destroyed the mill, and it was rebuilt by Anna Keller in 1905.",
    "Anna Keller was born in Lund. The mill burnt in 1911 and was sold to the city.",
    "The brewery beside the river employs forty people and has its own spring.",
)
QUESTIONS = (("When was the mill rebuilt by Anna Keller?", "1905"), ("Who rebuilt the mill?", "Anna Keller"))


def article(title: str = "Mill") -> Article:
    asked = [QUESTIONS, (("Where was Anna Keller born?", "Lund"),), (("How many people work there?", "forty"),)]
    return Article(title, tuple(Paragraph(t, tuple(q), words(t)) for t, q in zip(TEXTS, asked, strict=True)))


@given(seed=st.integers(0, 3000))
def test_plant_examples_quote_their_passage_or_answer_nothing(seed: int) -> None:
    for example in islice(plant.examples(seed), 5):
        assert "{" not in example.question
        assert example.question.strip()
        if example.start is None:
            assert example.end is None
        else:
            assert example.answer
            assert example.answer.strip() == example.answer


def test_plant_examples_repeat_with_their_seed() -> None:
    assert list(islice(plant.examples(5), 40)) == list(islice(plant.examples(5), 40))


def test_a_good_share_of_plant_examples_cannot_be_answered() -> None:
    refused = sum(example.start is None for example in islice(plant.examples(1), 2000))

    assert 0.35 < refused / 2000 < 0.55


@given(seed=st.integers(0, 3000))
def test_a_sister_is_never_the_machine_itself(seed: int) -> None:
    chance = random.Random(seed)
    name, _ = w.tag(chance)

    other = w.sister(chance, name)

    assert other != name
    assert len(other) == len(name)


def test_the_occurrence_nearest_to_the_question_is_taken() -> None:
    text = f"Rinse for 20 minutes. {'Then read the manual again. ' * 10}The oven cools for 20 minutes."

    assert locate("How long does the oven cool?", text, "20 minutes") == text.rindex("20 minutes")


def test_a_near_miss_is_of_the_same_article_and_lacks_the_answer() -> None:
    mill = article()

    example = near_miss(*QUESTIONS[0], mill.paragraphs[0], mill)

    assert example is not None
    assert example.passage == TEXTS[1]
    assert example.start is None


def test_a_swapped_question_names_what_the_passage_does_not() -> None:
    mill = article()

    example = swapped("When was the mill rebuilt by Anna Keller?", mill.paragraphs[0], mill, random.Random(1))

    assert example is None or all(
        name in TEXTS[0] or name not in re.findall(r"[A-Z]\w+", TEXTS[0]) for name in example.question.split()
    )
    assert example is None or example.question != QUESTIONS[0][0]


def test_an_answer_is_found_verbatim() -> None:
    example = answered(*QUESTIONS[0], article().paragraphs[0])

    assert example.answer == "1905"


def test_every_question_is_seen_once_an_epoch() -> None:
    asked = [example.question for example in training([article()], 3, misses=0, swaps=0)]

    assert sorted(asked) == sorted(q for p in article().paragraphs for q, _ in p.questions)


def test_held_out_articles_are_whole_and_always_the_same() -> None:
    articles = [article(f"A{n}") for n in range(30)]

    learnt, held_out = split(articles, 5)

    assert len(held_out) == 5
    assert not {a.title for a in learnt} & {a.title for a in held_out}
    assert split(list(reversed(articles)), 5)[1] == held_out

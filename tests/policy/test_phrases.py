"""A plant's own phrases of what is asked to be done are read, weighed and refused."""

from __future__ import annotations

import pytest

from appliance.policy import PackRefused
from appliance.policy.pack import parse
from appliance.policy.phrases import MOST_RULES, PlantOrder, PlantPhrase, PlantRules, read_rules
from tests.packs.variants import RELEASE


def order(form: str, name: str = "names-the-box", strength: str = "strong") -> str:
    return f"[[{strength}]]\nname = '{name}'\nis = '''{form}'''\n"


def phrase(asks: str, intent: str = "DANGEROUS", unless: str | None = None) -> str:
    return f"[[{intent}]]\nasks = '''{asks}'''\n" + ("" if unless is None else f"unless = '''{unless}'''\n")


def test_phrases_are_read_the_gravest_first_and_each_once() -> None:
    text = (
        phrase("new shift plan", "ADMIN")
        + phrase("open the sluice", unless="^what ")
        + phrase("new shift plan", "ADMIN")
    )

    found = parse({**RELEASE, "guard.toml": text}).guard.phrases

    assert found == (PlantPhrase("DANGEROUS", "open the sluice", "^what "), PlantPhrase("ADMIN", "new shift plan"))
    assert parse(RELEASE).guard.phrases == ()


def test_no_two_phrases_are_told_alike() -> None:
    pair = (
        PlantPhrase("ADMIN", "abc", "x"),
        PlantPhrase("ADMIN", "abc, unless x"),
        PlantPhrase("ADMIN", " unless 'x': abc"),
    )

    assert len({one.told() for one in pair}) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (phrase("open .* sluice"), "without end"),
        (phrase("(?:a+)+b"), "without end"),
        (phrase("open it", unless="(?:x*)*y"), "without end"),
        (phrase("open it", unless=""), "none or more"),
        (phrase(""), "none or more"),
        (phrase("open it", "CHAT"), "'CHAT'"),
        (phrase("open it") + "off = 'all'\n", "'off'"),
        ("[release]\noff = ['DANGEROUS']\n", "'release'"),
        ("DANGEROUS = 'nothing'\n", "holds"),
        ("DANGEROUS = [1]\n", "no table"),
        (order("tell .* box"), "without end"),
        (order("(?=tell) the box"), "looks round"),
        (order("tell the box", "override-given!"), "is written as"),
        (order("tell the box", ""), "is written as"),
        (order("tell the box") + order("ask the box"), "one name"),
        (order("tell the box") + order("tell the box", strength="weak"), "one name"),
        (order("tell the box") + "off = 'all'\n", "'off'"),
        (order("tell the box", strength="middling"), "'middling'"),
        (
            "".join(order(f"box {n} x{{1,100}}", f"box-{n}") + phrase(f"open {n} x{{1,100}}") for n in range(11)),
            "together",
        ),
        ("".join(phrase(f"open {n}") for n in range(MOST_RULES + 1)), "more than 200 tables"),
        ("".join(phrase(f"open {n} x{{1,100}}") for n in range(21)), "ways together"),
    ],
)
def test_what_is_no_safe_phrase_is_refused_and_the_pack_with_it(text: str, says: str) -> None:
    with pytest.raises(PackRefused, match=says):
        parse({**RELEASE, "guard.toml": text})


def test_an_empty_file_adds_nothing() -> None:
    assert read_rules("") == PlantRules()


def test_rules_for_orders_are_read_under_a_name_that_no_rule_of_the_release_has() -> None:
    text = order("tell the box") + order("box", "box", "weak") + order("tell the box") + phrase("open it")

    found = parse({**RELEASE, "guard.toml": text}).guard

    assert found.orders == (
        PlantOrder("strong", "own:names-the-box", "tell the box"), PlantOrder("weak", "own:box", "box"),
    )  # fmt: skip
    assert len(found.phrases) == 1

"""A plant's own phrases of what is asked to be done are read, weighed and refused."""

from __future__ import annotations

import pytest

from appliance.policy import PackRefused
from appliance.policy.pack import parse
from appliance.policy.phrases import MOST_PHRASES, PlantPhrase, read_phrases
from tests.packs.variants import RELEASE


def phrase(asks: str, intent: str = "DANGEROUS", unless: str | None = None) -> str:
    return f"[[{intent}]]\nasks = '''{asks}'''\n" + ("" if unless is None else f"unless = '''{unless}'''\n")


def test_phrases_are_read_the_gravest_first_and_each_once() -> None:
    text = (
        phrase("new shift plan", "ADMIN")
        + phrase("open the sluice", unless="^what ")
        + phrase("new shift plan", "ADMIN")
    )

    found = parse({**RELEASE, "guard.toml": text}).phrases

    assert found == (PlantPhrase("DANGEROUS", "open the sluice", "^what "), PlantPhrase("ADMIN", "new shift plan"))
    assert parse(RELEASE).phrases == ()


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
        ("".join(phrase(f"open {n}") for n in range(MOST_PHRASES + 1)), "more than 200 phrases"),
        ("".join(phrase(f"open {n} x{{1,100}}") for n in range(21)), "ways together"),
    ],
)
def test_what_is_no_safe_phrase_is_refused_and_the_pack_with_it(text: str, says: str) -> None:
    with pytest.raises(PackRefused, match=says):
        parse({**RELEASE, "guard.toml": text})


def test_an_empty_file_adds_nothing() -> None:
    assert read_phrases("") == ()

"""A plant's own patterns of personal data are read, weighed and refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy import PackRefused
from appliance.policy.pack import parse
from appliance.policy.patterns import ALL_WAYS, MOST_PATTERNS, PlantAction, PlantPattern, read_data
from tests.packs.variants import RELEASE

PIECES = st.sampled_from(["a", "b", "[ab]", "(?:a|b)", "a{1,3}", "(?:a{1,2}b?)", "(?:ab|a|b){1,2}", r"\b", "a??"])


def toml(form: str, kind: str = "EMPLOYEE_ID") -> str:
    return f"[[pattern]]\nkind = '{kind}'\nis = '''{form}'''\n"


def action(kind: str, then: str, level: str | None = None) -> str:
    told = "" if level is None else f"from_class = '{level}'\n"
    return f"[[action]]\nkind = '{kind}'\nthen = '{then}'\n" + told


def test_what_becomes_of_a_kind_is_read_by_class() -> None:
    text = toml("E-[0-9]{5}", "BADGE_ID") + "check = 'luhn'\n"
    text += action("BADGE_ID", "block", "3") + action("BADGE_ID", "warn") + action("PERSON", "redact", "2")

    found = read_data(text)

    assert found.patterns[0].check == "luhn"
    assert PlantAction("BADGE_ID", 3, "block") in found.actions
    assert [found.at(level) for level in (1, 2, 3)] == [
        {"BADGE_ID": "warn"}, {"BADGE_ID": "warn", "PERSON": "redact"}, {"BADGE_ID": "block", "PERSON": "redact"},
    ]  # fmt: skip


def test_patterns_are_read_in_their_order_and_each_once() -> None:
    text = toml(r"\bE-\d{5}\b") + "after = 'employee badge'\nnever_after = 'order'\n" + toml(r"SN\d{4,9}", "SERIAL")

    assert read_data(text + toml(r"SN\d{4,9}", "SERIAL")).patterns == (
        PlantPattern("EMPLOYEE_ID", r"\bE-\d{5}\b", ("employee", "badge"), ("order",)),
        PlantPattern("SERIAL", r"SN\d{4,9}"),
    )


def test_a_pack_without_the_file_has_none_and_its_version_is_what_it_was() -> None:
    bare, own = parse(RELEASE), parse({**RELEASE, "pii.toml": toml("E-[0-9]{5}")})

    assert bare.data.patterns == ()
    assert [one.kind for one in own.data.patterns] == ["EMPLOYEE_ID"]
    assert parse({**RELEASE, "pii.toml": ""}).data.patterns == ()
    assert own.version != bare.version != parse({**RELEASE, "pii.toml": ""}).version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (toml("E-[0-9]+"), "without end"),
        (toml("E-.*"), "without end"),
        (toml("abc(?=d)"), "looks round"),
        (toml("(?<!a)bcd"), "looks round"),
        (toml(r"(abc)\1"), "refers back"),
        (toml("(abc)"), "keeps what it matches"),
        (toml("(?>abc)"), "looks round"),
        (toml("a?"), "less than 3"),
        (toml("[ab]{100}[ab]{29}"), "more than 128"),
        (toml("[a"), "is none"),
        (toml(""), "none or more"),
        (toml("a" * 201), "none or more"),
        (toml("abc", "e_id"), "written as"),
        (toml("abc", "SECRET"), "secret"),
        (toml("abc") + "check = 'lucky'\n", "one of luhn"),
        (toml("abc") + "check = ''\n", "one of luhn"),
        (action("PERSON", "shrug"), "warn, redact or block"),
        (action("SECRET", "warn"), "no secret"),
        (action("SHOE_SIZE", "block"), "nothing looks for"),
        (action("PERSON", "block", "5"), '"1" to "4"'),
        (action("PERSON", "block") + action("PERSON", "warn"), "says twice"),
        ("[[action]]\nkind = 'PERSON'\nthen = 'warn'\nfrom_class = 3\n", "no table of texts"),
        (toml("abc") + "after = 'Employee!'\n", "small letters"),
        ("[[pattern]]\nkind = 5\nis = 'abc'\n", "no table of texts"),
        ("pattern = 3\n", "nothing else"),
        ("[release]\noff = ['SECRET']\n", "nothing else"),
        ("[[pattern]\n", "malformed"),
    ],
)
def test_what_is_no_safe_pattern_is_refused_and_the_pack_with_it(text: str, says: str) -> None:
    with pytest.raises(PackRefused, match=says):
        parse({**RELEASE, "pii.toml": text})


def test_there_are_only_so_many_patterns_and_ways() -> None:
    many = "".join(toml(f"abc{n}") for n in range(MOST_PATTERNS))
    read_data(many)

    with pytest.raises(PackRefused, match="more than 200 tables"):
        read_data(many + toml("one more"))
    with pytest.raises(PackRefused, match="ways together"):
        read_data("".join(toml(f"abc{n}x{{1,100}}") for n in range(ALL_WAYS // 100 + 1)))


@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_what_is_taken_is_a_pattern_of_python_that_matches_three_characters_or_more(form: str) -> None:
    try:
        (taken,) = read_data(toml(form)).patterns
    except PackRefused:
        return

    assert all(len(match[0]) >= 3 for match in re.finditer(taken.form, "abaabbbaaab" * 5))

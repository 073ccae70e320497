"""Attacks by the patterns that a policy pack brings: endless matching, switching the guard off, too many, letters that look alike."""

from __future__ import annotations

import pytest

from appliance.guard.pii import patterns_of
from appliance.guard.sanitising import PiiRule, Sanitiser
from appliance.policy import PackRefused
from appliance.policy.patterns import read_data
from appliance.policy.trial import tried
from tests.packs.variants import RELEASE

pytestmark = pytest.mark.one_try

ENDLESS = [
    r"(?:a+)+$", r"(?:a|aa)+b", r"(?:a|a)*b", r"(?:.*a){12}", r"(?:a?){30}a{30}", r"(?:a{0,20}){20}b", r"(?:\w{1,30}){1,30}!",
    r"(?:(?:a{0,100}){0,100}){0,100}bbb", r"(?:a|b|ab){20}c", r"a{0,50}a{0,50}a{0,50}bcd", r"(?=(?:a+)+b)abc", r"(?(1)a|b)abc",
    r"abc{4294967294}", r"(?:a{128}){128}", "(?:" * 60 + "abc" + "){0,9}" * 60,
]  # fmt: skip
SWITCHES = [
    "[release]\noff = ['SECRET']\n",
    "off = ['SECRET']\n",
    "[[pattern]]\nkind = 'SECRET'\nis = 'never-found'\n",
    "[[pattern]]\nkind = 'ＳＥＣＲＥＴ'\nis = 'never-found'\n",
    "[[pattern]]\nkind = 'SECRЕT'\nis = 'never-found'\n",
    "[[pattern]]\nkind = 'X]SECRET['\nis = 'never-found'\n",
]


def one(form: str) -> str:
    return f"[[pattern]]\nkind = 'BADGE_ID'\nis = '''{form}'''\n"


@pytest.mark.parametrize("form", ENDLESS)
def test_a_pattern_that_could_match_without_end_is_refused(form: str) -> None:
    with pytest.raises(PackRefused):
        read_data(one(form))


async def test_ten_thousand_patterns_are_refused_in_a_process_of_their_own() -> None:
    many = "pattern = [" + "{kind='AAA',is='abc'}," * 10_000 + "]"
    with pytest.raises(PackRefused, match="more than 200 tables"):
        await tried({**RELEASE, "pii.toml": many})
    with pytest.raises(PackRefused, match="too large"):
        await tried({**RELEASE, "pii.toml": many * 2})


async def test_an_endless_pattern_is_refused_where_packs_are_tried() -> None:
    with pytest.raises(PackRefused, match="without end"):
        await tried({**RELEASE, "pii.toml": one(r"(?:a+)+$")})


@pytest.mark.parametrize("text", SWITCHES)
def test_no_pack_switches_off_or_counterfeits_what_a_secret_is(text: str) -> None:
    with pytest.raises(PackRefused):
        read_data(text)


def test_a_pattern_that_lies_over_a_secret_does_not_let_it_through() -> None:
    own = patterns_of(read_data(one(r"password = \w{3}")).patterns)
    for rule in (PiiRule(own=frozenset({"BADGE_ID"})), PiiRule(enabled=False), PiiRule(action="warn")):
        assert "hunter2" not in Sanitiser(rule, own=own).given("The password = hunter2!x is set.")


def test_letters_and_figures_of_other_alphabets_are_what_the_pattern_says() -> None:
    own = patterns_of(read_data(one(r"\bE-\d{5}\b")).patterns)

    assert (
        Sanitiser(PiiRule(own=frozenset({"BADGE_ID"})), own=own).given("E-１２３４５ and E-١٢٣٤٥")
        == "[BADGE_ID] and [BADGE_ID]"
    )

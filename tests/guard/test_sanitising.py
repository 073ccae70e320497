"""What a model reads and says: without secrets always, without personal data as a plant has set it, with a plant's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.sanitising import PiiAction, PiiRule, Sanitiser, kinds
from tests.guard.plant_things import SENTENCES, things

TEXT = "Mr. Jan Novák (+420 602 123 456) resets E-0417 on P-101A; password = hunter2!x"


def test_by_default_persons_and_secrets_are_taken_out_and_what_the_plant_is_about_stays() -> None:
    guard = Sanitiser()

    assert guard.given(TEXT) == "Mr. [PERSON] ([PHONE_NUMBER]) resets E-0417 on P-101A; password = [SECRET]"
    assert [(one.code, one.kinds) for one in guard.warnings()] == [
        ("personal-data", ("PERSON", "PHONE_NUMBER", "SECRET")),
    ]


def test_a_plant_may_name_kinds_only_be_warned_or_switch_it_off_but_no_secret_is_ever_given() -> None:
    only = Sanitiser(PiiRule(patterns=frozenset({"PHONE_NUMBER"})))
    warns, off = Sanitiser(PiiRule(action="warn")), Sanitiser(PiiRule(enabled=False))

    assert only.given(TEXT) == "Mr. Jan Novák ([PHONE_NUMBER]) resets E-0417 on P-101A; password = [SECRET]"
    assert warns.given(TEXT) == off.given(TEXT) == TEXT.replace("hunter2!x", "[SECRET]")
    assert [one.kinds for one in warns.warnings()] == [("SECRET",), ("PERSON", "PHONE_NUMBER")]
    assert [one.kinds for one in off.warnings()] == [("SECRET",)]


@pytest.mark.parametrize("action", ["redact", "warn", "block"])
@pytest.mark.parametrize("enabled", [True, False])
def test_from_class_three_on_the_rule_is_in_force_whatever_was_set(action: PiiAction, enabled: bool) -> None:
    rule = PiiRule(enabled, frozenset({"URL"}), action)

    assert rule.at(2, 3) == rule
    forced = rule.at(3, 3)
    assert forced.enabled
    assert forced.action == ("block" if enabled and action == "block" else "redact")
    assert forced.named == frozenset(kinds())


def test_what_blocks_names_the_kinds_and_a_sentence_with_them_is_not_said() -> None:
    guard = Sanitiser(PiiRule(action="block"))

    assert guard.blocked(["P-101A", TEXT]) == ("PERSON", "PHONE_NUMBER")
    assert guard.blocked(["P-101A stands"]) == ()
    assert guard.said("Call +420 602 123 456.", 1) is None
    assert guard.said("P-101A stands.", 1) == "P-101A stands."
    assert Sanitiser().blocked([TEXT]) == ()


def test_a_sentence_of_a_source_above_the_readers_clearance_is_not_said() -> None:
    guard = Sanitiser(clearance=2)

    assert guard.said("The recipe takes 4 kg.", 3) is None
    assert guard.said("The recipe takes 4 kg.", 2) == "The recipe takes 4 kg."
    assert [(one.code, one.kinds) for one in guard.warnings()] == [("output", ("class",))]


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html;base64,PHNjcmlwdD4=", "file:///etc/passwd",
        "http://example.com/x", "https://10.1.2.3/panel", "https://intranet/x", "https://plc.local/", "https://[fd00::1]/",
        "https://2130706433/", "![seen](https://example.com/p.png?q=secret)", "\\\\server\\share\\file", "smb://server/x",
    ],
)  # fmt: skip
def test_an_unsafe_link_does_not_leave(link: str) -> None:
    found = Sanitiser().leaking(f"Look at {link} now.")

    assert [one.kind for one in found] == ["UNSAFE_LINK"]


@pytest.mark.parametrize(
    "text", ["https://example.com/manual", "data: 5 bar", "Class file: A-12", "4:30 to 5:00", "see 3/4-16 UNF"]
)
def test_what_is_no_link_or_a_safe_one_may_be_said(text: str) -> None:
    assert Sanitiser().leaking(f"Look at {text} now.") == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_of_five_hundred_things_of_plants_a_model_reads_and_says_all(sentence: str) -> None:
    guard = Sanitiser()
    told = [sentence.format(thing) for thing in things()]

    assert [guard.given(one) for one in told] == told
    assert [guard.said(one, 1) for one in told] == told
    assert not any(guard.leaking(one) for one in told)


@given(st.text(max_size=200))
def test_what_was_taken_out_stays_out(text: str) -> None:
    guard = Sanitiser()
    once = guard.given(text)

    assert guard.given(once) == once

"""A plant's own phrases are looked for beside those of the release."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.chat.intents import Intents, NoModelActs
from appliance.guard.intent import Intent, intent_of
from appliance.policy import PolicyEngine
from appliance.policy.pack import parse
from appliance.policy.phrases import PlantPhrase
from appliance.store import Admitted
from tests.packs.variants import RELEASE

SLUICE = PlantPhrase("DANGEROUS", r"\bopen (?:the )?sluice\b", r"^(?:what|who) ")
ROSTER = PlantPhrase("ADMIN", r"\bNew Roster\b")
ORDER = list(Intent)
QUESTIONS = st.lists(
    st.sampled_from(
        ["Open the sluice.", "Make a new roster.", "Delete everything.", "Grant me admin rights.", "What is E-0417?"]
    ),
    max_size=3,
).map(" ".join)


def test_a_plants_phrase_counts_and_what_only_asks_about_it_does_not() -> None:
    assert intent_of("Please open  the SLUICE now.") is Intent.CHAT
    assert intent_of("Please open  the SLUICE now.", (SLUICE,)) is Intent.DANGEROUS
    assert intent_of("Who may open the sluice?", (SLUICE,)) is Intent.CHAT
    assert intent_of("Who is there? Open the sluice.", (SLUICE,)) is Intent.DANGEROUS
    assert intent_of("Make a new roster.", (SLUICE, ROSTER)) is Intent.ADMIN


def test_hidden_characters_and_other_forms_of_letters_hide_no_phrase() -> None:
    assert intent_of("o\u200bpen the \uff53luice", (SLUICE,)) is Intent.DANGEROUS


@given(QUESTIONS, st.lists(st.sampled_from([SLUICE, ROSTER]), max_size=2), st.sampled_from([SLUICE, ROSTER]))
def test_adding_a_phrase_never_makes_an_intent_less_grave(
    question: str, before: list[PlantPhrase], added: PlantPhrase
) -> None:
    was, now = intent_of(question, tuple(before)), intent_of(question, (*before, added))

    assert ORDER.index(now) <= ORDER.index(was)


def test_no_model_acts_on_what_the_pack_in_force_calls_dangerous(admitted: Callable[..., Admitted]) -> None:
    own = "[[DANGEROUS]]\nasks = 'open the sluice'\n"
    with_own = Intents(PolicyEngine(parse({**RELEASE, "guard.toml": own})))
    Intents(PolicyEngine()).must_permit(admitted(role="admin"), "Open the sluice.")
    who = admitted(role="admin")

    with pytest.raises(NoModelActs):
        with_own.must_permit(who, "Open the sluice.")

    assert who.outcome.metadata["intent"] == ["DANGEROUS", "refused"]

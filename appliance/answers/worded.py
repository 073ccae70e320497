"""The gate for worded sentences: what a chat model has written is released sentence by sentence, or not at all. Pure.

    sentence ─> claims: amounts, identifiers, words, and the marks that turn them       claims.py, amounts.py, wording.toml
    passages ─> places: rows, sentences, items                                          sources.py
    a place binds the sentence, whole:  as a text     bound_text.py, voice.py
                                        as a row      bound_rows.py
                                        as steps      bound_steps.py
    several places, each a whole statement of it        bound_clauses.py
    what it may have beyond them                        added.py, added_marks.py, wording.toml
    and speaks of the machine of the question and of the sentence                       machines.py

Every claim of a sentence is bound by a place of one passage, or the sentence is dropped. Headings, captions and the
passage's machines may say what it is about, never a value, a condition, or who does it. Of the question's words only those may
stand in a sentence without standing in the place that ask for a figure (`level`, `interval`).

"Not in these documents." says that something is absent, which no passage can show. It is released only where that is
plain: there are no passages, or the question names an identifier that stands in none of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.answers.added import is_added_verb, is_full_name, names_a_kind
from appliance.answers.bound_clauses import clauses_bound
from appliance.answers.bound_rows import row_refusal
from appliance.answers.bound_steps import step_named, steps_bound
from appliance.answers.bound_text import measured, refusal
from appliance.answers.claims import Token, atoms_of, cited, labels_named, uncited
from appliance.answers.machines import machine_refusal
from appliance.answers.matching import Laid, bound, laid, same
from appliance.answers.question import attribute_dimensions, opposites
from appliance.answers.sources import Passage, Source, sources
from appliance.answers.wording import key_of_word, stems, words
from appliance.retrieval.identifiers import Identifier, identifiers
from appliance.retrieval.rules import keys_in, keys_of

LONGEST_SENTENCE = 1_000
LONGEST_PASSAGE = 8_000
MOST_PASSAGES = 40
LONGEST_PLACE = 1_500
"""Characters; no row and no sentence that a person would read is longer."""
MOST_ATOMS = 80

_NOT_HERE = re.compile(
    r"(?:(?:this|it|that|the answer)\s+is\s+)?not\s+in\s+(?:these|the)\s+documents\.?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Release:
    """Whether a sentence may be shown, and why, in words for people.

    `passage` (from 1) and `spans` (offsets in its text) are what binds it, where it is released.
    """

    released: bool
    why: str
    passage: int | None = None
    spans: tuple[tuple[int, int], ...] = ()


def released(question: str, passages: Sequence[Passage], sentence: str) -> Release:
    """Judge one worded sentence.

    Args:
        question: what was asked.
        passages: what the model was given, in the order that citations count.
        sentence: what it wrote, with citations `[1]` or without.
    """
    if len(sentence) > LONGEST_SENTENCE:
        return Release(False, f"a sentence of more than {LONGEST_SENTENCE} characters is not judged")
    if len(passages) > MOST_PASSAGES:
        return Release(False, f"more than {MOST_PASSAGES} passages are not judged")
    if any(len(passage.text) > LONGEST_PASSAGE for passage in passages) or len(question) > LONGEST_PASSAGE:
        return Release(False, f"a text of more than {LONGEST_PASSAGE} characters is not judged")
    marked = cited(sentence)
    if any(not 1 <= number <= len(passages) for number in marked):
        return Release(False, "it cites a passage that was not given")
    plain = " ".join(uncited(sentence).split())
    if _NOT_HERE.fullmatch(plain):
        return _absent(question, passages)
    if "?" in plain:
        return Release(False, "a question makes no claim")
    claims = len(atoms_of(plain))
    if not 0 < claims <= MOST_ATOMS:
        return Release(False, "it makes no claim" if claims == 0 else f"it makes more than {MOST_ATOMS} claims")
    reasons: list[tuple[int, str]] = []
    for number in marked or range(1, len(passages) + 1):
        release = _by_passage(question, passages[number - 1], number, plain, reasons)
        if release is not None:
            return release
    best = max(reasons, key=lambda one: one[0], default=(0, "no passage was given"))
    return Release(False, best[1])


def _absent(question: str, passages: Sequence[Passage]) -> Release:
    if not passages:
        return Release(True, "no passage was given")
    present = frozenset().union(*(keys_in(one.text) | keys_of(one.assets) for one in passages))
    for item in identifiers(question):
        if item.key not in present:
            return Release(True, f"{item.text} stands in none of the passages")
    return Release(False, "that something is absent cannot be bound to a passage")


def _by_passage(
    question: str, passage: Passage, number: int, plain: str, reasons: list[tuple[int, str]]
) -> Release | None:
    """The release by one passage; None, and the reasons with how near each came, if it binds nothing."""
    text = passage.text.lower()
    if any(label not in " ".join(text.split()) for label in labels_named(plain)):
        reasons.append((1, "it names a table or section that the passage does not"))
        return None
    step, rest = step_named(plain)
    places = sources(passage.text)
    if step is not None:
        places = tuple(place for place in places if _is_step(place, step))
    asked = laid(question)
    for place in places:
        why = place_refusal(rest, place, passage, asked)
        if why is None:
            return Release(
                True, f"passage {number}: {_shown(place)}", number, ((place.start, place.start + len(place.text)),)
            )
        held = [atom for atom in atoms_of(rest) if any(same(atom, other) for other in atoms_of(place.text))]
        # What a sentence names tells best which place it meant.
        shared = sum({"identifier": 4, "word": 2}.get(atom.kind, 1) for atom in held)
        reasons.append((shared, why))
    steps = [place for place in places if place.number is not None and not place.demanded]
    told = (
        steps_bound(rest, steps, lambda part, place: place_refusal(part, place, passage, asked))
        if len(steps) > 1
        else None
    )
    if told is None:
        told = clauses_bound(
            plain,
            sources(passage.text),
            lambda part, place, about: place_refusal(part, place, passage, asked if about is None else laid(about)),
        )
    if told is None:
        return None
    spans = tuple((place.start, place.start + len(place.text)) for place in told)
    return Release(True, f"passage {number}: {' / '.join(_shown(place) for place in told)}", number, spans)


def _is_step(place: Source, step: int | str) -> bool:
    return place.number is not None and (place.number == step or (step == "last" and place.item == place.items - 1))


def _shown(place: Source) -> str:
    return " ".join(place.text.split())


def place_refusal(sentence: str, place: Source, passage: Passage, asked: Laid) -> str | None:
    """Why one place does not bind a sentence; None if it does."""
    said = laid(sentence)
    if len(place.text) + len(place.intro) > LONGEST_PLACE:
        return "the row or sentence is too long to be judged"
    wished = tuple(item for item in identifiers(asked.text) if item.kind == "asset")
    named = frozenset(item.key for item in (*wished, *identifiers(sentence)))
    for item in wished:
        why = machine_refusal(item.key, item.text, passage, place, named=named)
        if why is not None:
            return why

    def given(atom: Token) -> bool:
        return _given(atom, said, place, passage, asked, wished)

    if place.row is not None:
        why = row_refusal(said, place, given, asked)
    else:
        text = f"{place.intro.rstrip(':')}: {place.text}" if place.intro else place.text
        why = refusal(bound(said, laid(text), demanded=place.demanded), given, asked)
    return why


def _given(
    atom: Token, said: Laid, place: Source, passage: Passage, asked: Laid, wished: tuple[Identifier, ...]
) -> bool:
    """Whether an atom that a place lacks may stand in the sentence all the same."""
    if atom.kind == "figure":
        return False
    context = f"{place.heading} {place.intro} {_subject(place)}"
    if atom.kind == "identifier":
        asked_for = atom.key in {other.key for other in asked.atoms}
        known = atom.key in keys_in(context) and (asked_for or atom.key in keys_of(passage.assets))
        if place.subject and not known and keys_in(place.subject):
            # `It` is what the sentence before begins with, no other machine that is named there.
            return False
        if atom.sort != "asset":
            return known
        sole = len(passage.assets) == 1 or atom.key in {item.key for item in wished}
        named = frozenset({atom.key}) | {item.key for item in wished}
        return (known or sole) and machine_refusal(atom.key, atom.written, passage, place, named=named) is None
    if key_of_word(atom.written) in stems("roles") or _opposed(atom, place):
        return False
    if is_added_verb(atom, said, place) or names_a_kind(atom, said) or is_full_name(atom, said, place, passage.text):
        return True
    if atom.written.lower() in words("fasteners") and _has_a_bare_thread(said, place):
        return True
    if any(same(atom, other) for other in atoms_of(f"{context} {' '.join(passage.assets)}")):
        return True
    sorts = {other.sort for other in said.atoms if other.kind == "figure"}
    if measured(atom.key) & sorts:
        return True
    in_question = any(same(atom, other) for other in asked.atoms)
    if in_question and atom.key in stems("machines") and _names_a_tag(atom, said):
        return True
    return in_question and (atom.written.lower() in words("asked") or atom.key in attribute_dimensions())


def _subject(place: Source) -> str:
    """What the sentence before is about, for one that says `it`: the words before its verb, where that can be told."""
    if not place.subject:
        return ""
    first = atoms_of(place.subject[:80])
    if first and first[0].kind == "identifier" and first[0].start == 0:
        return first[0].written
    match = re.match(r"(.{1,80}?)\s(?:is|are|was|were|has|have|holds?|must|may|can)\s", place.subject)
    return match.group(1) if match else ""


def _names_a_tag(atom: Token, said: Laid) -> bool:
    """Whether a word stands right before a machine's tag: `the boiler BO-400`."""
    after = said.atoms[said.atoms.index(atom) + 1 :][:1]
    return bool(after) and after[0].kind == "identifier" and after[0].sort == "asset"


def _has_a_bare_thread(said: Laid, place: Source) -> bool:
    """Whether the sentence names a thread of a place that does not say what has it."""
    own = atoms_of(place.text)
    threads = {atom.key for atom in own if atom.sort == "thread"} & {atom.key for atom in said.atoms}
    return bool(threads) and not any(atom.written.lower() in words("fasteners") for atom in own)


def _opposed(atom: Token, place: Source) -> bool:
    """Whether the place says the opposite of a word."""
    own = {other.key for other in atoms_of(place.text)}
    return any(atom.key in one and own & other for one, other in opposites())

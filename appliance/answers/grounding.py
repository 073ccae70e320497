"""What must hold before a quote may be shown as the answer. Pure.

    asset      the passage may speak for it, and the nearest mention before the quote is not of another machine
    code, part, thread, size
               stands in the quote, or in what binds it (caption, headings, the line before a list)
    row        no other row of the table fits the question's words strictly better
    heading    no other procedure of the document stands under a heading that names what is to be done
    revision   one that the question names is the document's own
    several    asked which one it is, the quote does not say "LSLL-407A or LSLL-407B"
    round      asked for a torque, the quote does not give only that of the first of several rounds

A quote that fails is never shown as an answer; it may still be shown as what is nearest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from appliance.answers.candidates import sentences
from appliance.answers.quantities import measures
from appliance.retrieval.identifiers import Identifier, family, identifiers, key_of, sisters
from appliance.retrieval.rules import keys_in, keys_of, speaks_for

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.answers.question import Question

_EXCEPTION = re.compile(
    r"\s*(?:\d{1,3}[.)]\s+)?(?:for|on|at|with|only)\s+(?:the\s+)?(?:[a-z]+\s+)?\S*\d", re.IGNORECASE
)

_ROUNDS = re.compile(
    r"\b(?:two|three|four|several|\d)\s+(?:even\s+|equal\s+)?(?:rounds|stages|passes|steps|goes)\b[^.;|]{0,30}?\bfirst\b[^.;|\d]{0,30}",
    re.IGNORECASE,
)
_OF_ROUNDS = re.compile(r"\b(?:first|second|last|final|each|round|stage|pass|step)s?\b", re.IGNORECASE)

Reason = Literal["asset", "identifier", "row", "heading", "revision", "several", "round"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a quote is no answer. `asked` is the identifier that is missing, as the asker would read it."""

    reason: Reason
    asked: str = ""


def refusal(question: Question, candidate: Candidate) -> Refusal | None:
    """Why `candidate` must not be shown as the answer; None if it may."""
    document = candidate.hit.document
    if question.revision is not None and not _same_revision(question.revision, document.revision):
        return Refusal("revision", question.revision)
    assets = question.asked.assets
    if assets and not speaks_for(assets, document, candidate.hit.passage):
        return Refusal("asset", _missing(assets, candidate))
    for asset in assets:
        if other_machine(asset, candidate, assets):
            return Refusal("asset", asset.text)
    for item in question.asked.identifiers:
        if item.kind != "asset" and not _stands(item, candidate):
            return Refusal("identifier", item.text)
    if question.which_one and _names_either(candidate.text, {item.key for item in question.asked.identifiers}):
        return Refusal("several")
    if question.dimensions and _of_first_round(question, candidate.text):
        return Refusal("round")
    return None


def _names_either(text: str, asked: Iterable[str]) -> bool:
    """Whether the text names two sisters as alternatives, neither of them asked for."""
    return any(
        sisters(one.key, other.key) and not {one.key, other.key} & set(asked)
        for one, other in pairwise(identifiers(text))
        if text[one.end : other.start].strip().lower() == "or"
    )


def _of_first_round(question: Question, text: str) -> bool:
    """Whether the only figure of what is asked for is that of the first round: "in two rounds, the first at 25 Nm"."""
    wanted = [item for item in measures(text) if item.dimension in question.dimensions]
    if len(wanted) != 1 or _OF_ROUNDS.search(question.text):
        return False
    return any(match.end() == wanted[0].start for match in _ROUNDS.finditer(text))


def other_machine(asset: Identifier, candidate: Candidate, asked: Iterable[Identifier]) -> bool:
    """Whether what is quoted belongs to a rival of `asset`.

    Looks outwards from the quote (quote, intro, text before it, headings) and lets the first place decide that names
    the asset or a rival: a sister, a machine of the same letters that the document lists, in a heading any that it
    lists. A row is asked first which machine its cells and columns name. Steps with an exception for a rival
    (`5. For P-101B close HV-128`) are still those of the asset.
    """
    document, passage = candidate.hit.document, candidate.hit.passage
    listed = keys_of(document.assets)
    wanted = {item.key for item in asked}
    if candidate.row is not None:
        whole = passage.text[candidate.row.start : candidate.row.end]
        if _columns_of_others(asset, candidate, wanted):
            return True
        if asset.key not in keys_in(whole) and _row_of_another(asset, candidate, listed - wanted):
            return True
    before = passage.text[: candidate.start] if candidate.row is None else ""
    named = candidate.kind != "steps" or asset.key in keys_in(candidate.text)
    own = candidate.text if named else _without_exceptions(candidate.text)
    near = [own, candidate.intro, *(before[a:b] for a, b in reversed(sentences(before)))]
    alike = {key for key in listed if letters(key) == letters(asset.key)}
    for place, rivals in [
        *((text, alike) for text in near),
        *((text, set(listed)) for text in reversed(passage.heading.split(" > "))),
    ]:
        keys = keys_in(place)
        if asset.key in keys:
            return False
        if any(key in rivals or sisters(asset.key, key) for key in keys if key not in wanted):
            return True
    # Nothing near the quote names the asset: then the quote names no other machine of the document's (a procedure may, on
    # its way), and the document itself is about it.
    if candidate.kind not in ("steps", "list") and keys_in(own) & (listed - wanted):
        return True
    return bool(listed) and asset.key not in listed | keys_in(document.title, document.filename)


def _without_exceptions(text: str) -> str:
    """Steps without what they say for one machine in particular: sentences that begin with `For P-101B`."""
    return "\n".join(text[start:end] for start, end in sentences(text) if not _EXCEPTION.match(text[start:end]))


def _columns_of_others(asset: Identifier, candidate: Candidate, wanted: set[str]) -> bool:
    """Whether the row has columns for sisters of the asset and none for the asset itself."""
    assert candidate.row is not None
    keys = frozenset().union(*(keys_in(cell.header) for cell in candidate.row.cells))
    return asset.key not in keys and any(sisters(asset.key, key) for key in keys if key not in wanted)


def _row_of_another(asset: Identifier, candidate: Candidate, others: frozenset[str]) -> bool:
    """Whether the row is labelled with another machine: one the document lists, or where other rows name the asset."""
    assert candidate.row is not None
    assert candidate.table is not None
    for cell in candidate.row.cells:
        keys = keys_in(cell.value)
        if not keys or asset.key in keys:
            continue
        if keys & others and len(cell.value) < 60:
            return True
        column = [other.value for row in candidate.table.rows for other in row.cells if other.header == cell.header]
        if any(asset.key in keys_in(value) for value in column):
            return True
    return False


def _stands(item: Identifier, candidate: Candidate) -> bool:
    """Whether a code, part number, thread or size stands where it binds the quote."""
    near = [candidate.text, candidate.intro, *candidate.hit.passage.heading.split(" > ")]
    if candidate.row is not None:
        # The label may stand in a cell that was left out of the quote.
        near.append(candidate.hit.passage.text[candidate.row.start : candidate.row.end])
    keys = keys_in(*near, candidate.hit.document.title, candidate.hit.document.filename)
    if item.key in keys:
        return True
    if item.kind == "thread":
        return _thread_fits(item.key, keys)
    if candidate.row is None:
        # A section about one code, or one part, need not repeat it in each sentence, unless another comes between.
        return _last_of_kind(item, candidate) == item.key
    return False


def _thread_fits(key: str, keys: Iterable[str]) -> bool:
    """`M12` is met by `M12x1.75`, and `M12x1.75` by an `M12` whose pitch is not given."""
    base = key.partition("x")[0]
    same = [other for other in keys if other.partition("x")[0] == base]
    return bool(same) and ("x" not in key or all("x" not in other for other in same))


def _last_of_kind(item: Identifier, candidate: Candidate) -> str | None:
    """The identifier of the same kind that was named last before the quote, in its passage."""
    before = candidate.hit.passage.text[: candidate.start]
    alike = [found.key for found in identifiers(before) if found.kind == item.kind]
    return alike[-1] if alike else None


def _missing(assets: Iterable[Identifier], candidate: Candidate) -> str:
    hit = candidate.hit
    lacking = [item.text for item in assets if not speaks_for([item], hit.document, hit.passage)]
    return lacking[0] if lacking else next(iter(assets)).text


def _same_revision(asked: str, own: str | None) -> bool:
    return own is not None and key_of(own).lstrip("rev.0 ") == key_of(asked).lstrip("rev.0 ")


def nearest_asset(asked: Identifier, found: Iterable[str]) -> str | None:
    """Of the tags in `found`, the one most like `asked`: a sister before a machine of the same letters, else None."""
    tags = [item for item in dict.fromkeys(found) if key_of(item) != asked.key]
    kin = [item for item in tags if family(key_of(item)) == family(asked.key)]
    alike = [item for item in tags if letters(key_of(item)) == letters(asked.key)]
    return next(iter(kin or alike), None)


def letters(key: str) -> str:
    """What a key begins with: `p` of `p101a`, `cv` of `cv230`."""
    return key.rstrip("abcdefghijklmnopqrstuvwxyz").rstrip("0123456789-.")

"""What kind of word a word is, by the lists of `wording.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from appliance.retrieval.terms import stem

AGENT = re.compile(r"(?:er|or)s?$")


@lru_cache(maxsize=1)
def lists() -> dict[str, Any]:
    """The word lists of `wording.toml`."""
    return tomllib.loads(files("appliance.answers").joinpath("wording.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=32)
def words(name: str) -> frozenset[str]:
    """The words, in lower case, of one of the plain lists."""
    found = lists().get(name) or lists()["words"][name]
    return frozenset(found.split())


@lru_cache(maxsize=32)
def stems(name: str) -> frozenset[str]:
    """The same by stem."""
    return frozenset(stem(word) for word in words(name))


@lru_cache(maxsize=1)
def marks() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern that finds every mark, and for each of its spellings the class it belongs to."""
    classes = {phrase: name for name, phrases in lists()["marks"].items() for phrase in phrases}
    ordered = sorted(classes, key=len, reverse=True)
    spelled = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in ordered)
    return re.compile(rf"(?<![\w/-])(?:{spelled})(?![\w-])", re.IGNORECASE), classes


@lru_cache(maxsize=1)
def phrases() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern that finds every verb of several words, and for each spelling the word that it is."""
    one_word = {phrase: word for word, spellings in lists()["phrases"].items() for phrase in spellings}
    spelled = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in one_word)
    return re.compile(rf"(?<![\w/-])(?:{spelled})(?![\w-])", re.IGNORECASE), one_word


@lru_cache(maxsize=64)
def table(name: str, key: str) -> frozenset[str]:
    """The words of one entry of a table of lists (`verbs`, `kinds`, `headers`); none where it has no such entry."""
    return frozenset(lists()[name].get(key, "").split())


@lru_cache(maxsize=1)
def _bases() -> dict[str, str]:
    return {word: stem(line.split()[0]) for line in lists()["words"]["irregular"] for word in line.split()}


@lru_cache(maxsize=1)
def _participles() -> frozenset[str]:
    return frozenset(line.split()[-1] for line in lists()["words"]["irregular"])


@lru_cache(maxsize=16384)
def key_of_word(written: str) -> str:
    """The stem of a word; forms of an irregular verb share one."""
    low = written.lower()
    return _bases().get(low) or stem(low)


def is_participle(written: str) -> bool:
    """Whether a word may be what is done to a thing: `tightened`, `driven`."""
    low = written.lower().split()[0]
    return low.endswith("ed") or low in _participles()


def is_past_only(written: str) -> bool:
    """Whether a word is a participle that is no other form of its verb: `lost`, not `set`."""
    low = written.lower()
    return low in _participles() and not any(
        line.split()[0] == low for line in lists()["words"]["irregular"] if len(line.split()) > 1 or line == low
    )


def is_agent(written: str) -> bool:
    """Whether a word may be who does a thing: `operator`, against `operation` of the same stem."""
    return AGENT.search(written.lower()) is not None


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[str]]:
    of_key: dict[str, frozenset[str]] = {}
    for line in lists()["words"]["same"]:
        group = frozenset(key_of_word(word) for word in line.split())
        for key in group:
            of_key[key] = of_key.get(key, frozenset()) | group
    return of_key


@lru_cache(maxsize=16384)
def same_meaning(key: str) -> frozenset[str]:
    """Keys that may stand for `key` in a sentence that is released, itself included.

    Far fewer than the glossary's, which widens a search: there a lid is found by who asks for a guard.
    """
    return _groups().get(key, frozenset()) | {key}

"""Files of a pack that are lists of small tables of texts, `[[name]]` with keys; all are read alike. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

from appliance.policy.errors import PackRefused
from appliance.policy.weighing import weighed


def entries(
    file: str, text: str, known: Mapping[str, frozenset[str]], *, most: int
) -> list[tuple[str, dict[str, str]]]:
    """Each table with the name of its list, in the order of `known`.

    Args:
        known: the names of the lists, each with the keys that its tables may have.
        most: tables of all lists together.

    Raises:
        PackRefused: there is something else in it, or too much.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    facts = tomllib.loads(text)
    lists = ", ".join(f"[[{name}]]" for name in known)
    if unknown := sorted(facts.keys() - known.keys()):
        raise PackRefused(f"{file} has {unknown[0][:40]!r}; it holds {lists} and nothing else.")
    if not all(isinstance(listed, list) for listed in facts.values()):
        raise PackRefused(f"{file} holds {lists} and nothing else.")
    if sum(map(len, facts.values())) > most:
        raise PackRefused(f"{file} holds more than {most} tables.")
    found = [(name, at, one) for name in known for at, one in enumerate(facts.get(name, ()), 1)]
    for name, at, one in found:
        if not isinstance(one, dict) or not all(isinstance(value, str) for value in one.values()):
            raise PackRefused(f"{name} {at} of {file} is no table of texts.")
        if strange := sorted(one.keys() - known[name]):
            raise PackRefused(
                f"{name} {at} of {file} has {strange[0][:40]!r}; known are {', '.join(sorted(known[name]))}."
            )
    return [(name, one) for name, _, one in found]


class Weights:
    """Weighs the expressions of one file, each by itself and all together.

    Args:
        most: ways in which all together may be tried at one place.
    """

    def __init__(self, file: str, *, most: int) -> None:
        self._file, self._left, self._most = file, most, most

    def add(self, whose: str, form: str) -> None:
        """Raises PackRefused: an expression cannot be taken, or not beside the others."""
        problem, ways = weighed(form)
        if problem:
            raise PackRefused(f"The expression of {whose} in {self._file} {problem}.")
        self._left -= ways
        if self._left < 0:
            raise PackRefused(f"What {self._file} holds can be tried in more than {self._most} ways together.")

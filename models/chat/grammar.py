"""Answers of a given form: a JSON schema or a grammar, found valid before llama.cpp may use it.

llama.cpp ends the process over an invalid grammar, and over one that is valid but nested or repeated without measure.
So both are bounded here before it sees them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
from llama_cpp.llama_grammar import JSON_GBNF, json_schema_to_gbnf

from models.chat.engine import Engine
from models.errors import ModelsError

MOST_SCHEMA = 16 * 1024
MOST_GRAMMAR = 64 * 1024
MOST_DEPTH = 24
MOST_REPEATS = 256
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength")
_UNSUPPORTED = {"pattern": str, "patternProperties": dict}
"""With the type of their values: a property may bear such a name. Checking an answer against a hostile pattern may take for ever, and would hold up everybody."""


class FormRefused(ModelsError):
    """The schema or grammar is invalid, or larger than this server takes."""


class FormMissed(ModelsError):
    """The answer does not have the form that was asked for; `words` say more, and may quote the answer."""

    def __init__(self, message: str, words: str = "") -> None:
        super().__init__(message)
        self.words = words or message


def missed(whose: str, problem: jsonschema.ValidationError) -> FormMissed:
    """The error for what the checker found; `whose` is what missed which schema, such as `the answer misses the schema`."""
    return FormMissed(f"{whose} at {problem.json_path}", f"at {problem.json_path}, {problem.message}")


class Form:
    """A grammar that the engine takes, and what it cannot express: `check` looks at the finished answer."""

    def __init__(self, engine: Engine, grammar: str, schema: Mapping[str, Any] | None = None) -> None:
        """Raises FormRefused."""
        _bounded(grammar)
        if not engine.grammar_is_valid(grammar):
            raise FormRefused("the grammar is invalid")
        self.grammar, self._schema = grammar, schema

    def check(self, answer: str) -> None:
        """Raises FormMissed."""
        if self._schema is None:
            return
        try:
            jsonschema.Draft202012Validator(self._schema).validate(json.loads(answer))
        except json.JSONDecodeError as problem:
            raise FormMissed(f"the answer is not JSON: {problem.msg}") from problem
        except jsonschema.ValidationError as problem:
            raise missed("the answer misses the schema", problem) from problem


def json_object(engine: Engine) -> Form:
    return Form(engine, JSON_GBNF, {"type": "object"})


def json_schema(engine: Engine, schema: Mapping[str, Any]) -> Form:
    """Raises FormRefused."""
    written = json.dumps(schema)
    if len(written) > MOST_SCHEMA:
        raise FormRefused(f"a schema may have {MOST_SCHEMA} characters")
    for key, value, depth in walk(schema):
        if depth > MOST_DEPTH:
            raise FormRefused(f"a schema may be {MOST_DEPTH} levels deep")
        if key in _COUNTS and isinstance(value, int) and value > MOST_REPEATS:
            raise FormRefused(f"{key} may be {MOST_REPEATS} at most")
        if isinstance(value, _UNSUPPORTED.get(key, ())):
            raise FormRefused(f"{key} is not supported")
        if key == "$ref" and not str(value).startswith("#"):
            raise FormRefused("a $ref may point into the schema itself only")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        grammar = json_schema_to_gbnf(written)
    except jsonschema.SchemaError as problem:
        raise FormRefused(f"the schema is invalid at {problem.json_path}: {problem.message}") from problem
    except Exception as problem:  # the converter raises whatever Python does about what it does not know
        raise FormRefused(f"the schema cannot be made a grammar: {problem}") from problem
    return Form(engine, grammar, schema)


def walk(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, object, int]]:
    """Every value with the key it stands under. Stops below MOST_DEPTH."""
    yield key, value, depth
    if depth > MOST_DEPTH:
        return
    inner = (
        value.items() if isinstance(value, dict) else ((key, each) for each in value) if isinstance(value, list) else ()
    )
    for name, each in inner:
        yield from walk(each, str(name), depth + 1)


def _bounded(grammar: str) -> None:
    if not grammar.strip():
        raise FormRefused("the grammar is empty")
    if len(grammar) > MOST_GRAMMAR or "\0" in grammar:
        raise FormRefused(f"a grammar may have {MOST_GRAMMAR} characters, none of them NUL")
    if any(int(count) > MOST_REPEATS for count in re.findall(r"\{\s*(?:\d+\s*,\s*)?(\d+)", grammar)):
        raise FormRefused(f"a grammar may repeat something {MOST_REPEATS} times at most")
    depth = deepest = 0
    for letter in grammar:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise FormRefused(f"a grammar may be {MOST_DEPTH} parentheses deep")

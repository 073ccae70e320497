"""No schema and no grammar, however wrong, reaches llama.cpp unless it takes it."""

import json
from typing import Any

import pytest

from models.chat.engine import Engine
from models.chat.grammar import Form, FormMissed, FormRefused, json_object, json_schema

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "maximum": 120}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "grammar",
    [
        "",
        "root ::= (",
        "root ::= missing",
        'other ::= "a"',
        'root ::= root "a"',
        'root ::= "a" | | ) "b"',
        'root ::= "never closed',
        'root ::= "a"{1,100000}',
        "root ::= " + "(" * 5000 + '"a"' + ")" * 5000,
        'root ::= "\0"',
        "root ::= " + '"a" ' * 40_000,
        "root ::= [",
        "\ud800".encode("utf-8", "replace").decode(),
    ],
)
def test_a_wrong_grammar_is_refused(engine: Engine, grammar: str) -> None:
    with pytest.raises(FormRefused):
        Form(engine, grammar)

    assert engine.grammar_is_valid('root ::= "still alive"')


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"type": "string", "maxLength": 10**9},
        {"type": "array", "minItems": 10**6, "items": {}},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"type": "string", "pattern": "^(a+)+$"},
        {"enum": ["x" * 20_000]},
        json.loads('{"items":' * 40 + "{}" + "}" * 40),
    ],
)
def test_a_wrong_schema_is_refused(engine: Engine, schema: dict[str, Any]) -> None:
    with pytest.raises(FormRefused):
        json_schema(engine, schema)


def test_an_answer_is_held_against_its_schema(engine: Engine) -> None:
    form = json_schema(engine, PERSON)

    form.check('{"name": "Ada", "age": 36}')
    for wrong in ('{"name": "Ada"', '{"name": "Ada", "age": 360}', '{"name": "Ada"}', "[]"):
        with pytest.raises(FormMissed):
            form.check(wrong)


def test_any_object_is_a_json_object(engine: Engine) -> None:
    form = json_object(engine)

    form.check('{"a": [1, 2]}')
    with pytest.raises(FormMissed):
        form.check("[1]")


def test_a_property_may_be_called_pattern(engine: Engine) -> None:
    json_schema(engine, {"type": "object", "properties": {"pattern": {"type": "boolean"}}, "required": ["pattern"]})

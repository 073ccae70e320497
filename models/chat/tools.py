"""Tool calls: what the model is told, the grammar that holds it to the tools, and reading what it wrote.

    <tool_call>
    {"name": "...", "arguments": {...}}
    </tool_call>

is how Hermes and Qwen write a call; a model of another family is told to write it so. An answer that begins with `<` is
one call, every other is text: the grammar leaves nothing between.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema

from models.chat.engine import Engine
from models.chat.grammar import Form, FormMissed, FormRefused, json_schema, missed, walk

OPEN, CLOSE = "<tool_call>\n", "\n</tool_call>"
MOST_TOOLS = 64
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Called:
    """`arguments` is JSON and has the form of the tool's schema."""

    name: str
    arguments: str


class ToolForm(Form):
    """A grammar of calls to these tools; with `text`, of any other answer too."""

    def __init__(self, engine: Engine, tools: Mapping[str, Mapping[str, Any]], *, text: bool) -> None:
        """`tools` gives each name the JSON schema of its arguments. Raises FormRefused."""
        if not 0 < len(tools) <= MOST_TOOLS:
            raise FormRefused(f"1 to {MOST_TOOLS} tools may be given, each with a name of its own")
        for name, schema in tools.items():
            if not _NAME.fullmatch(name):
                raise FormRefused("a tool's name has 1 to 64 letters, digits, _ or -")
            if any(key == "$ref" for key, _, _ in walk(schema)):
                raise FormRefused("a $ref in the arguments of a tool is not supported")
        call = json_schema(engine, {"anyOf": [_call(name, schema) for name, schema in tools.items()]}).grammar
        rules = re.sub(r"(?m)^root ::=", "call ::=", call)
        begin = 'root ::= "<tool_call>\\n" call "\\n</tool_call>"' + (" | ([^<] [^\\x00]*)?" if text else "")
        super().__init__(engine, f"{begin}\n{rules}")
        self._tools = tools

    def check(self, answer: str) -> None:
        self.called(answer)

    def called(self, answer: str) -> Called | None:
        """The call that the answer is; None for text. Raises FormMissed."""
        if not answer.startswith(OPEN):
            return None
        try:
            value = json.loads(answer.removeprefix(OPEN).removesuffix(CLOSE))
            arguments = value["arguments"]
            jsonschema.Draft202012Validator(self._tools[value["name"]]).validate(arguments)
        except (ValueError, KeyError, TypeError) as problem:
            raise FormMissed("the answer is no whole call of a tool") from problem
        except jsonschema.ValidationError as problem:
            raise missed("the arguments miss the tool's schema", problem) from problem
        return Called(value["name"], json.dumps(arguments, ensure_ascii=False))


def _call(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"name": {"const": name}, "arguments": schema},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def told(tools: Sequence[Mapping[str, Any]]) -> str:
    """What a model whose template knows nothing of tools is told of them."""
    listed = "\n".join(json.dumps(each, ensure_ascii=False) for each in tools)
    return (
        f"You may call one of these functions:\n{listed}\n"
        f'To call one, answer with nothing but:\n{OPEN}{{"name": "...", "arguments": {{...}}}}{CLOSE}'
    )


def written(name: str, arguments: str) -> str:
    """A call as a message's text, for a template that knows nothing of calls."""
    return f'{OPEN}{{"name": {json.dumps(name)}, "arguments": {arguments or "{}"}}}{CLOSE}'

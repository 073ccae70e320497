"""From the body of a request to what may be decoded: its prompt in tokens, and the form of its answer.

An answer that missed its form may be asked for once more. The conversation then goes on:

    ... the question, the assistant's answer that missed, what was wrong with it in the checker's words
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.asgi import Refused
from models.chat import schemas as s
from models.chat.engine import Engine
from models.chat.grammar import Form, FormMissed, FormRefused, json_object, json_schema
from models.chat.template import Template, TemplateRefused
from models.chat.tools import ToolForm, told, written

MOST_WORDS = 300
"""Characters of what a model is told of its miss: the checker quotes the answer, which may be long."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may be decoded: its prompt fits, its form is valid."""

    prompt: list[int]
    most_tokens: int
    form: Form | None


@dataclass(frozen=True, slots=True)
class Missed:
    """An answer that missed its form: its text, the tokens it took, and what was wrong."""

    text: str
    tokens: int
    why: FormMissed


class Preparing:
    """Thread-safe; what it does takes its time, so call it on a thread of its own."""

    def __init__(self, engine: Engine, template: Template) -> None:
        self._engine, self._template = engine, template

    def first(self, asked: s.ChatRequest) -> Prepared:
        """Template, tokens and form. Raises Refused."""
        tools = _tools(asked)
        try:
            form = self._form(asked)
        except FormRefused as refused:
            param = "tools" if tools else "response_format"
            raise Refused(400, "invalid_form", f"{refused}.", param) from None
        tokens = self.tokens(asked.messages, tools)
        room = self._engine.context - len(tokens)
        if room < (asked.most_tokens or 1):
            raise Refused(
                400,
                "context_length_exceeded",
                f"{len(tokens)} tokens of prompt and {asked.most_tokens or 1} of answer do not fit: this server holds "
                f"{self._engine.context} tokens; {max(room, 0)} are left for the answer.",
                "max_tokens" if room > 0 else "messages",
            )
        return Prepared(tokens, asked.most_tokens or room, form)

    def again(self, asked: s.ChatRequest, form: Form | None, missed: Missed) -> Prepared | None:
        """The same, asked once more; None when no answer as long as the missed one would fit behind it."""
        turns = [
            *asked.messages,
            s.Message(role="assistant", content=missed.text),
            s.Message(role="user", content=correction(missed.why)),
        ]
        try:
            tokens = self.tokens(turns, _tools(asked))
        except Refused:  # a template may not take a conversation that goes on
            return None
        room = self._engine.context - len(tokens)
        if room < max(missed.tokens, 1):
            return None
        return Prepared(tokens, min(asked.most_tokens or room, room), form)

    def _form(self, asked: s.ChatRequest) -> Form | None:
        wanted = asked.response_format
        formed = asked.structured_outputs or (wanted and wanted.type != "text")
        if asked.may_call:
            if formed:
                raise FormRefused("an answer cannot have a form and be a tool call; give one of the two")
            return self._tool_form(asked)
        if asked.structured_outputs:
            return Form(self._engine, asked.structured_outputs.grammar)
        if wanted is None or wanted.type == "text":
            return None
        if wanted.type == "json_object":
            return json_object(self._engine)
        if wanted.json_schema is None:
            raise FormRefused("response_format of type json_schema needs a json_schema")
        return json_schema(self._engine, wanted.json_schema.json_schema)

    def _tool_form(self, asked: s.ChatRequest) -> ToolForm:
        tools = {each.function.name: each.function.parameters for each in asked.tools}
        if len(tools) < len(asked.tools):
            raise FormRefused("two tools bear the same name")
        if isinstance(asked.tool_choice, s.ToolChoice):
            name = asked.tool_choice.function.name
            tools = {name: tools[name]} if name in tools else {}
        return ToolForm(self._engine, tools, text=asked.tool_choice == "auto")

    def tokens(self, messages: Sequence[s.Message], tools: Sequence[dict[str, Any]] = ()) -> list[int]:
        """The prompt as the template writes it. Raises Refused."""
        knows = self._template.knows_tools
        told_too = [{"role": "system", "content": told(tools)}] if tools and not knows else []
        try:
            return self._template.tokens([*told_too, *(_plain(each, knows) for each in messages)], tools)
        except TemplateRefused as refused:
            raise Refused(400, "invalid_messages", f"{refused}.", "messages") from None


def correction(missed: FormMissed) -> str:
    """What the model is told of its miss: at most MOST_WORDS characters of the checker's, their middle left out."""
    # A value quoted from JSON may hold half a character, which is no text.
    words = missed.words.encode(errors="replace").decode()
    if len(words) > MOST_WORDS:
        half = (MOST_WORDS - 3) // 2
        words = f"{words[:half]} … {words[-half:]}"
    return f"That answer does not have the form that was asked for: {words}. Give the whole answer again, in that form."


def _tools(asked: s.ChatRequest) -> list[dict[str, Any]]:
    return [] if asked.tool_choice == "none" else [each.model_dump() for each in asked.tools]


def _plain(message: s.Message, knows_tools: bool) -> dict[str, Any]:
    """A message as templates know it; calls are told in words where the template knows nothing of tools."""
    if not message.tool_calls:
        return {"role": message.role, "content": message.text}
    if not knows_tools:
        told_calls = "\n".join(written(each.function.name, each.function.arguments) for each in message.tool_calls)
        return {"role": message.role, "content": message.text + told_calls}
    try:
        calls = [
            {"type": "function", "function": {"name": f.name, "arguments": json.loads(f.arguments or "{}")}}
            for f in (each.function for each in message.tool_calls)
        ]
    except ValueError:
        raise Refused(400, "invalid_messages", "The arguments of a tool call are not JSON.", "messages") from None
    return {"role": message.role, "content": message.text, "tool_calls": calls}

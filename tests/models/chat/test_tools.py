"""Tool calls: the grammar leaves nothing but a call or a text, and arguments have the form of their schema."""

import json

import httpx
import pytest

from models.chat.engine import Engine
from models.chat.grammar import FormMissed, FormRefused
from models.chat.replies import Held
from models.chat.tools import CLOSE, OPEN, Called, ToolForm

COMPLETIONS = "/v1/chat/completions"
LEVEL = {
    "type": "object",
    "properties": {"tag": {"enum": ["P-101A", "P-101B"]}, "litres": {"type": "integer", "maximum": 5}},
    "required": ["tag"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "level", "description": "Of a tank.", "parameters": LEVEL}}
HELLO = [{"role": "user", "content": "How full is it?"}]


def asking(**more: object) -> dict[str, object]:
    return {"messages": HELLO, "temperature": 0, "max_tokens": 200, "tools": [TOOL], **more}


def written(value: object) -> str:
    return OPEN + json.dumps(value) + CLOSE


def test_a_call_is_read_and_a_text_is_none(engine: Engine) -> None:
    form = ToolForm(engine, {"level": LEVEL}, text=True)

    called = form.called(written({"name": "level", "arguments": {"tag": "P-101A"}}))

    assert called == Called("level", '{"tag": "P-101A"}')
    assert form.called("It is half full.") is None


@pytest.mark.parametrize(
    "answer",
    [
        OPEN + '{"name": "level", "argu',
        written({"name": "other", "arguments": {}}),
        written({"name": "level"}),
        written(["level"]),
        written({"name": "level", "arguments": {"tag": "P-9"}}),
        written({"name": "level", "arguments": {"tag": "P-101A", "litres": 6}}),
    ],
)
def test_a_call_that_no_tool_takes_is_not_handed_out(engine: Engine, answer: str) -> None:
    with pytest.raises(FormMissed):
        ToolForm(engine, {"level": LEVEL}, text=True).called(answer)


@pytest.mark.parametrize(
    "tools", [{}, {"a b": LEVEL}, {"x" * 65: LEVEL}, {"a": {"$ref": "#"}}, {"a": {"type": "none"}}]
)
def test_tools_that_cannot_be_held_to_are_refused(engine: Engine, tools: dict[str, dict[str, object]]) -> None:
    with pytest.raises(FormRefused):
        ToolForm(engine, tools, text=False)


def test_what_may_be_a_call_is_held_back_from_a_stream() -> None:
    held = Held(lambda text: text.startswith("<"))
    assert [held.feed(piece) for piece in ("", "<to", "ol_call>")] == ["", "", ""]

    free = Held(lambda text: text.startswith("<"))
    assert [free.feed(piece) for piece in ("", "a", "<b")] == ["", "a", "<b"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "level"}}])
async def test_a_required_call_comes_with_arguments_of_its_schema(http: httpx.AsyncClient, choice: object) -> None:
    answer = (await http.post(COMPLETIONS, json=asking(tool_choice=choice))).json()["choices"][0]

    (call,) = answer["message"]["tool_calls"]
    assert answer["finish_reason"] == "tool_calls"
    assert answer["message"].get("content") is None
    assert (call["type"], call["function"]["name"]) == ("function", "level")
    assert call["id"].startswith("call_")
    assert json.loads(call["function"]["arguments"])["tag"] in ("P-101A", "P-101B")


async def test_a_streamed_call_is_the_same_call_and_no_text(http: httpx.AsyncClient) -> None:
    whole = (await http.post(COMPLETIONS, json=asking(tool_choice="required"))).json()["choices"][0]
    stream = (await http.post(COMPLETIONS, json=asking(tool_choice="required", stream=True))).text

    choices = [json.loads(line[6:])["choices"][0] for line in stream.splitlines() if line.startswith("data: {")]
    calls = [each["delta"]["tool_calls"] for each in choices if "tool_calls" in each["delta"]]
    assert [call[0]["function"] for call in calls] == [whole["message"]["tool_calls"][0]["function"]]
    assert "".join(each["delta"].get("content") or "" for each in choices) == ""
    assert choices[-1]["finish_reason"] == "tool_calls"


async def test_with_a_free_choice_the_answer_is_a_text_or_a_call(http: httpx.AsyncClient) -> None:
    free = (await http.post(COMPLETIONS, json=asking(max_tokens=12))).json()["choices"][0]
    none = (await http.post(COMPLETIONS, json=asking(max_tokens=12, tool_choice="none"))).json()["choices"][0]

    assert free["finish_reason"] in ("length", "tool_calls")
    assert not free["message"]["content"].startswith("<")
    assert len(none["message"]["content"]) == 12


async def test_a_conversation_with_calls_and_their_results_goes_on(http: httpx.AsyncClient) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "level", "arguments": '{"tag": "P-101A"}'}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "3 litres"},
    ]

    answer = await http.post(COMPLETIONS, json=asking(messages=turns, max_tokens=8))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [TOOL, TOOL]},
        {"tools": [], "tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "other"}}},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "assistant"}]},
    ],
)
async def test_tools_at_fault_are_a_400(http: httpx.AsyncClient, more: dict[str, object]) -> None:
    assert (await http.post(COMPLETIONS, json=asking(**more))).status_code == 400

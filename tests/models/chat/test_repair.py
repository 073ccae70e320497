"""An answer that misses its form is asked for once more, and refused then."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.engine import Engine
from models.chat.grammar import FormMissed, json_schema
from models.chat.loop import Loop, Request
from models.chat.prepare import MOST_WORDS, Missed, Preparing, correction
from models.chat.schemas import ChatRequest
from models.chat.template import Template
from tests.models.chat.conftest import CONTEXT, Heard
from tests.models.chat.test_server import COMPLETIONS, HELLO, asking, formed
from tests.models.conftest import until

YES = {"type": "boolean", "not": {"const": False}}
"""The grammar lets `false` pass, the checker does not."""

IMPOSSIBLE = {"type": "boolean", "not": {"type": "boolean"}}
LONG = {"type": "array", "items": {"type": "boolean"}, "minItems": 200, "maxItems": 200, "contains": {"const": "x"}}
"""Some 1,200 tokens, and never what was asked for."""


async def count(http: httpx.AsyncClient, name: str) -> float:
    """0 for a counter that nothing has touched yet."""
    lines = (await http.get("/metrics")).text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)), 0)


async def missed(http: httpx.AsyncClient, end: str) -> float:
    return await count(http, f'models_chat_forms_missed_total{{end="{end}"')


async def asked_tokens(http: httpx.AsyncClient) -> float:
    return await count(http, "vllm:prefix_cache_queries_total")


async def repaired(http: httpx.AsyncClient) -> tuple[int, httpx.Response]:
    """The first seed whose answer was repaired, and that answer."""
    for seed in range(60):
        asked = asking(response_format=formed(YES), temperature=2, seed=seed, logprobs=True)
        answer = await http.post(COMPLETIONS, json=asked)
        if "x-repaired" in answer.headers:
            return seed, answer
    pytest.fail("of sixty seeds none missed first and hit then")


async def test_an_answer_that_misses_is_asked_for_once_more_and_says_so(http: httpx.AsyncClient) -> None:
    before = await missed(http, "repaired")

    seed, answer = await repaired(http)

    whole = answer.json()
    choice, usage = whole["choices"][0], whole["usage"]
    prompt = (await http.post("/tokenize", json={"messages": HELLO})).json()["count"]
    assert (answer.status_code, answer.headers["x-repaired"]) == (200, "1")
    text = choice["message"]["content"]
    assert json.loads(text) is True
    assert len(choice["logprobs"]["content"]) == len(text)
    # The grammar lets blanks follow.
    assert len("false") <= usage["completion_tokens"] - len(text) < 12
    assert usage["prompt_tokens"] > 2 * prompt + len("false")
    assert usage["prompt_tokens_details"]["cached_tokens"] >= prompt + len("false") - 1
    assert await missed(http, "repaired") == before + 1
    again = await http.post(COMPLETIONS, json=asking(response_format=formed(YES), temperature=2, seed=seed))
    assert again.headers["x-repaired"] == "1"


async def test_an_answer_of_its_form_is_not_asked_for_twice(http: httpx.AsyncClient) -> None:
    before = await asked_tokens(http)

    answer = await http.post(COMPLETIONS, json=asking(response_format=formed({"type": "boolean"})))

    assert "x-repaired" not in answer.headers
    assert await asked_tokens(http) - before == answer.json()["usage"]["prompt_tokens"]


async def test_an_answer_that_misses_twice_is_refused(http: httpx.AsyncClient) -> None:
    before = [await missed(http, end) for end in ("repaired", "refused")]

    answer = await http.post(COMPLETIONS, json=asking(response_format=formed(IMPOSSIBLE)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "form_missed")
    assert "x-repaired" not in answer.headers
    assert [await missed(http, end) for end in ("repaired", "refused")] == [before[0], before[1] + 1]


async def test_arguments_that_miss_the_schema_of_a_tool_are_asked_for_once_more(http: httpx.AsyncClient) -> None:
    parameters = {"type": "object", "properties": {"open": IMPOSSIBLE}, "required": ["open"]}
    tool = {"type": "function", "function": {"name": "valve", "parameters": parameters}}
    before = await asked_tokens(http)

    answer = await http.post(COMPLETIONS, json=asking(tools=[tool], tool_choice="required", max_tokens=200))

    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "tools")
    assert await asked_tokens(http) - before > 2 * 200


async def test_a_first_answer_that_is_cut_says_so_and_is_not_asked_for_twice(http: httpx.AsyncClient) -> None:
    cut = await http.post(COMPLETIONS, json=asking(response_format=formed(LONG), max_tokens=20))

    assert (cut.status_code, cut.json()["choices"][0]["finish_reason"]) == (200, "length")
    assert "x-repaired" not in cut.headers


async def test_a_repair_that_is_cut_is_refused(http: httpx.AsyncClient) -> None:
    form = formed({"enum": ["x", "yyyyyyyy"], "not": {"const": "x"}})
    answers = [
        await http.post(COMPLETIONS, json=asking(response_format=form, temperature=2, seed=seed, max_tokens=6))
        for seed in range(40)
    ]

    refused = {answer.json()["error"]["message"] for answer in answers if answer.status_code == 422}
    assert any("not JSON" in message for message in refused), "no first answer was x and the second cut"
    assert all("x-repaired" not in answer.headers for answer in answers)


async def test_a_stream_is_not_asked_for_twice(http: httpx.AsyncClient) -> None:
    before, refused = await asked_tokens(http), await missed(http, "refused")
    prompt = (await http.post("/tokenize", json={"messages": HELLO})).json()["count"]

    answer = await http.post(COMPLETIONS, json=asking(response_format=formed(IMPOSSIBLE), stream=True))

    assert '"form_missed"' in answer.text.splitlines()[-2]
    assert await asked_tokens(http) - before == prompt
    assert await missed(http, "refused") == refused + 1


async def test_without_room_for_another_try_the_first_miss_is_the_answer(http: httpx.AsyncClient) -> None:
    empty = (await http.post("/tokenize", json={"messages": [{"role": "user", "content": ""}]})).json()["count"]
    full = [{"role": "user", "content": "x" * (CONTEXT - empty - 60)}]
    before = await asked_tokens(http)

    answer = await http.post(COMPLETIONS, json=asking(messages=full, response_format=formed(IMPOSSIBLE)))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "form_missed")
    assert await asked_tokens(http) - before == CONTEXT - 60


async def test_a_client_that_hangs_up_during_the_repair_frees_its_place(http: httpx.AsyncClient) -> None:
    refused, before = await missed(http, "refused"), await asked_tokens(http)
    prompt = (await http.post("/tokenize", json={"messages": HELLO})).json()["count"]
    asked = asking(response_format=formed(LONG), max_tokens=1300)
    call = asyncio.create_task(http.post(COMPLETIONS, json=asked))

    async def repairing() -> bool:
        return bool(await asked_tokens(http) - before > prompt)

    async def idle() -> bool:
        return bool((await http.get("/health")).json()["running"] == 0)

    await until(repairing)
    tokens = await count(http, "vllm:generation_tokens_total")
    call.cancel()
    await until(idle, seconds=5)

    assert await count(http, "vllm:generation_tokens_total") - tokens < 900
    assert await missed(http, "refused") == refused


def test_what_the_model_is_told_is_the_conversation_its_answer_and_the_checkers_words(engine: Engine) -> None:
    preparing = Preparing(engine, Template(engine))
    asked = ChatRequest.model_validate(asking(max_tokens=12))
    form = json_schema(engine, {"type": "integer", "maximum": 5})
    with pytest.raises(FormMissed) as miss:
        form.check("17")

    again = preparing.again(asked, form, Missed("17", 2, miss.value))

    assert again is not None
    told = bytes(token for token in again.prompt if token < 256).decode()
    assert told.startswith("user\nHello\nassistant\n17\nuser\nThat answer does not have the form")
    assert "at $, 17 is greater than the maximum of 5." in told
    assert told.endswith("assistant\n")
    assert (again.most_tokens, again.form) == (12, form)
    assert "17" not in str(miss.value)


def test_what_is_left_of_the_context_is_enough_for_a_repair_as_long_as_the_miss(engine: Engine) -> None:
    preparing = Preparing(engine, Template(engine))
    asked = ChatRequest.model_validate(asking(max_tokens=CONTEXT - 100))
    miss = FormMissed("the answer misses")

    again = preparing.again(asked, None, Missed("17", 2, miss))

    assert again is not None
    assert again.most_tokens == CONTEXT - len(again.prompt) < CONTEXT - 100
    assert preparing.again(asked, None, Missed("17", again.most_tokens, miss)) is not None
    assert preparing.again(asked, None, Missed("17", again.most_tokens + 1, miss)) is None


@given(st.text(alphabet=st.characters(), max_size=2000))
def test_what_the_model_is_told_of_its_miss_is_short_and_is_text(words: str) -> None:
    told = correction(FormMissed("the answer misses", words))

    assert len(told) < MOST_WORDS + 150
    assert json.loads(json.dumps(told)).encode()


def test_the_time_of_both_tries_is_that_of_one_request(make_loop: Callable[..., Loop]) -> None:
    loop, heard = make_loop(), Heard("a", [65], 3000)
    first = heard.request
    late = Request(first.key, first.prompt, first.most_tokens, first.deliver, spent=600.0)

    loop.submit(late)

    assert heard.failed().code == "timeout"

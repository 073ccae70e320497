"""The starter that git carries: it loads, it is asked by its own template, a grammar holds it, its tokens are ours."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import validate

from models import carried
from models.chat.engine import Engine
from models.chat.template import Template
from models.chat_client import Ask, ChatClient
from models.package import open_package
from models.starter.chat import calls
from models.starter.chat.examples import SCHEMA
from models.starter.chat.template import TEMPLATE
from tests.models.conftest import ServerProcess

PASSAGE = "Fastener: M10 | Torque: 47 Nm\nFastener: M12 | Torque: 84 Nm"
MESSAGES = [{"role": "user", "content": f"[1] {PASSAGE}\n\nQuestion: What torque does M12 need?"}]


@pytest.fixture(scope="module")
def starter() -> Iterator[Engine]:
    opened = Engine(carried.STARTER_FILE, threads=1, sequences=1)
    yield opened
    opened.close()


def test_set_up_places_it_as_a_package_that_is_a_chat_model_for_the_fast_tier(models_dir: Path) -> None:
    manifest = open_package(models_dir / "outpost-starter").manifest

    assert (manifest.kind, manifest.aliases, manifest.max_tokens) == ("chat", ("fast",), 1024)
    assert manifest.licence == "CC-BY-SA-4.0"


def test_weights_in_git_stay_below_thirty_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in carried.CARRIED.iterdir()) < 32 * 2**20


async def test_it_fills_a_schema_over_the_chat_server(short_folder: Path) -> None:
    server = ServerProcess(short_folder, "--kinds", "chat", "--model", str(carried.STARTER_FILE), "--sequences", "1")
    assert "serving" in server.start()
    try:
        async with ChatClient(server.socket, seconds=60) as client:
            formed = await client.chat(MESSAGES, Ask(max_tokens=96, temperature=0.0, schema=FILLED))
    finally:
        server.end()

    validate(json.loads(formed.text), FILLED)


FILLED: dict[str, Any] = {
    **SCHEMA,
    "properties": {
        "answer": {"type": "string", "maxLength": 24},
        "passage": {"enum": [1, 2, 3]},
    },
}


@pytest.mark.parametrize(
    "text", ["M10: 47 Nm", "Größe 3,5 µm — 2.500 h", "a  b\n\n\tc\r\n", "<|im_end|> is ten characters", "日本語 ✓ 🔒"]
)
def test_any_text_comes_back_from_its_tokens(starter: Engine, text: str) -> None:
    tokens = starter.tokenize(text, special=False)

    assert b"".join(starter.piece(token) for token in tokens).decode() == text


def test_figures_are_copied_one_by_one(starter: Engine) -> None:
    pieces = [starter.piece(token).decode() for token in starter.tokenize("3200 rpm", special=False)]

    assert pieces[:4] == ["3", "2", "0", "0"]


def test_its_template_puts_the_question_into_its_own_control_tokens(starter: Engine) -> None:
    tokens = Template(starter).tokens(MESSAGES)
    opens = starter.tokenize("<|im_start|>", special=True)

    assert len(opens) == 1
    assert tokens[0] == opens[0]
    assert tokens.count(opens[0]) == 2


def test_its_template_lists_tools_as_it_was_taught_them() -> None:
    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    sandbox.policies["json.dumps_kwargs"] = {"sort_keys": False}
    tool = calls.described("get_asset", calls.TOOLS[0])
    asked = [{"role": "user", "content": "Show me P-101"}]

    told = sandbox.from_string(TEMPLATE).render(
        messages=asked, tools=[{"type": "function", "function": tool}], add_generation_prompt=True
    )

    assert told == (
        f"<|im_start|>system\n{calls.listed([tool])}<|im_end|>\n<|im_start|>user\nShow me P-101<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_its_template_is_one_that_jinja_can_read() -> None:
    assert jinja2.Environment(autoescape=True).parse(TEMPLATE)

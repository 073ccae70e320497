"""LoRA adapters: each answer has the adapter that it was asked of, whoever is answered beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from models.chat.engine import Engine
from models.chat.loop import Loop
from models.chat.random_gguf import Shape, write_adapter
from models.errors import PackageDamaged
from tests.models.chat.conftest import CONTEXT, Heard
from tests.models.conftest import ServerProcess

PROMPT = list(b"Which valve is closed first? " * 3)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = tmp_path / "adapter.gguf"
    write_adapter(path)
    return path


@pytest.fixture
def loop(gguf: Path, adapter: Path) -> Iterator[Loop]:
    made = Loop(Engine(gguf, threads=1, sequences=3, context=CONTEXT, adapters={"plant": adapter}))
    yield made
    made.close()


def answered(loop: Loop, *asked: str) -> list[list[int]]:
    heard = [Heard(str(n), PROMPT, 40, adapter=adapter) for n, adapter in enumerate(asked)]
    for each in heard:
        loop.submit(each.request)
    for each in heard:
        each.finished()
    return [each.tokens for each in heard]


def test_an_adapter_changes_the_answer_and_leaves_others_alone(loop: Loop) -> None:
    (plain,) = answered(loop, "")
    (adapted,) = answered(loop, "plant")

    assert adapted != plain
    assert answered(loop, "", "plant", "") == [plain, adapted, plain]


def test_what_one_adapter_has_read_is_not_reused_by_another(loop: Loop) -> None:
    for adapter in ("", "plant"):
        first, second = Heard("a", PROMPT, 2, adapter=adapter), Heard("b", PROMPT, 2, adapter=adapter)
        for heard in (first, second):
            loop.submit(heard.request)
            heard.finished()

        assert first.finished().reused == 0
        assert second.finished().reused == len(PROMPT) - 1


def test_a_file_that_is_no_adapter_of_this_model_is_refused(gguf: Path, tmp_path: Path) -> None:
    write_adapter(tmp_path / "other.gguf", Shape(width=512))

    for file in (tmp_path / "other.gguf", gguf, tmp_path / "none"):
        with pytest.raises(PackageDamaged, match="not a LoRA adapter"):
            Engine(gguf, threads=1, sequences=1, context=512, adapters={"plant": file})


async def test_an_adapter_is_asked_for_by_its_name(own_chat: Callable[..., ServerProcess], adapter: Path) -> None:
    server = own_chat(options=("--lora", f"plant={adapter}"))
    assert "serving" in server.start()
    asked = {"messages": [{"role": "user", "content": "Hello"}], "temperature": 0, "max_tokens": 24}
    transport = httpx.AsyncHTTPTransport(uds=str(server.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat", timeout=60) as http:
        rows = (await http.get("/v1/models")).json()["data"]
        answers = [
            (await http.post("/v1/chat/completions", json={**asked, "model": name})).json()
            for name in ("random", "plant")
        ]

    assert [(row["id"], row.get("parent")) for row in rows] == [("random", None), ("plant", "random")]
    assert [answer["model"] for answer in answers] == ["random", "plant"]
    texts = [answer["choices"][0]["message"]["content"] for answer in answers]
    assert texts[0] != texts[1]

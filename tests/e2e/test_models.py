"""The console's page of models: a file of the import folder comes onto the shelf, is put in force, and taken out again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from models.chat.random_gguf import Shape, write
from tests.e2e.conftest import Watch
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


async def test_an_admin_adds_a_model_puts_it_in_force_and_takes_it_out(
    console: Console, running_node: RunningNode
) -> None:
    write(running_node.data / "import" / "tiny.gguf", Shape(layers=1, kind="q4_0"))
    page = await console("admin")
    await page.get_by_role("link", name="Models").click()
    await expect(page.get_by_text("No chat model is here yet")).to_be_visible()

    await page.get_by_role("button", name="Add a model").click()
    await page.get_by_label("File").select_option("tiny.gguf")
    await expect(page.get_by_label("Name")).to_have_value("tiny")
    await page.get_by_role("button", name="Add model").click()
    model = page.get_by_role("article")
    await expect(model).to_contain_text("Checked, not in force")
    await model.get_by_role("button", name="Put in force").click()

    await expect(model.get_by_text("In force", exact=True)).to_be_visible()
    await expect(model).to_contain_text("Short answer")
    await model.get_by_role("button", name="Take out of force").click()
    await expect(model).to_contain_text("Was in force")
    await model.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Remove model").click()
    await expect(page.get_by_text("No chat model is here yet")).to_be_visible()


async def test_a_file_that_is_no_model_is_refused_in_plain_words(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    (running_node.data / "import" / "notes.gguf").write_text("not a model")
    watch.expected.append("422")
    page = await console("admin")
    await page.get_by_role("link", name="Models").click()
    await page.get_by_role("button", name="Add a model").click()
    await page.get_by_label("File").select_option("notes.gguf")
    await page.get_by_role("button", name="Add model").click()

    await expect(page.get_by_role("alert")).to_contain_text("it is no GGUF file")


async def test_who_writes_is_held_back_let_run_and_chosen(console: Console, running_node: RunningNode) -> None:
    write(running_node.data / "import" / "quick.gguf", Shape(layers=1, kind="q4_0"))
    with running_node.owner(timeout=120) as door:
        file = str(running_node.data / "import" / "quick.gguf")
        door.post("/v1/models/instances", json={"file": file, "name": "quick"}).raise_for_status()
        door.post("/v1/admin/models/manifests/builtins/activations", json={"model": "quick"}).raise_for_status()
    page = await console("admin")
    await page.get_by_role("link", name="Models").click()
    writes = page.locator("section", has_text="Who writes")
    await expect(writes).to_contain_text("A plain question is answered by quick now.")

    await writes.get_by_label("Answers are written by").select_option("heavy")
    await expect(writes.get_by_label("Answers are written by")).to_have_value("heavy")
    await writes.get_by_role("button", name="Hold back").click()
    await expect(writes).to_contain_text("held back, does not run")
    await expect(writes).to_contain_text("Nobody can write now.")
    await writes.get_by_role("button", name="Let it run").click()
    await expect(writes).to_contain_text("A plain question is answered by quick now.")
    await writes.get_by_label("Answers are written by").select_option("auto")
    await page.get_by_role("article").get_by_role("button", name="Take out of force").click()
    await expect(page.get_by_text("Nobody yet.")).to_be_visible()
    with running_node.owner() as door:
        door.delete("/v1/models/instances/quick").raise_for_status()


async def test_a_server_that_the_owner_has_not_listed_is_refused_in_plain_words(console: Console, watch: Watch) -> None:
    watch.expected.append("422")
    page = await console("admin")
    await page.get_by_role("link", name="Models").click()
    await page.get_by_role("button", name="Add a server").click()
    await page.get_by_label("Name", exact=True).fill("cloud")
    await page.get_by_label("Address").fill("https://models.example.com")
    await page.get_by_label("Model, as the server names it").fill("large")
    await page.get_by_role("button", name="Add server").click()

    await expect(page.get_by_role("alert")).to_contain_text("models.example.com:443 is not among the servers")
    await expect(page.get_by_role("alert")).to_contain_text("OUTPOST_MODEL_HOSTS")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("None. This box asks nobody else.")).to_be_visible()


async def test_an_operator_has_no_page_of_models(console: Console) -> None:
    page = await console("operator")

    await expect(page.get_by_role("link", name="Documents")).to_be_visible()
    await expect(page.get_by_role("link", name="Models")).to_have_count(0)

"""The committed files of the demo plant are whole, described, and what their sources build."""

from collections import Counter
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest

from demo.build import HERE, TENANTS, build
from demo.source import Listing, Source, blocks
from tests.demo.plant import PLANT, SOURCES, manifest, source


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plant")
    build(HERE / "sources", out)
    return out


def test_a_rebuild_gives_the_committed_bytes(rebuilt: Path) -> None:
    fresh = {path.relative_to(rebuilt): path.read_bytes() for path in rebuilt.glob("*/*")}
    committed = {path.relative_to(PLANT): path.read_bytes() for path in PLANT.glob("*/*")}

    assert sorted(fresh) == sorted(committed)
    changed = [str(path) for path in fresh if fresh[path] != committed[path]]
    assert changed == [], "run `python -m demo.build` and commit what it writes"


def test_two_builds_are_the_same_byte_for_byte(rebuilt: Path, tmp_path: Path) -> None:
    build(HERE / "sources", tmp_path)

    assert all(
        path.read_bytes() == (rebuilt / path.relative_to(tmp_path)).read_bytes() for path in tmp_path.glob("*/*")
    )


def test_the_library_holds_enough_documents_of_every_form() -> None:
    forms = Counter(source.form for source in SOURCES)

    assert len(SOURCES) >= 28
    assert forms["pdf"] >= 9
    assert forms["docx"] >= 7
    assert forms["md"] >= 10
    assert forms["txt"] >= 1
    assert sum(path.stat().st_size for path in PLANT.glob("*/*")) < 3_000_000


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_manifest_names_every_file_once(tenant: str) -> None:
    listed = [entry["path"] for entry in manifest(tenant)["files"]]

    assert sorted(listed) == sorted(path.name for path in (PLANT / tenant).iterdir() if path.name != "manifest.json")
    assert manifest(tenant)["tenant"] == {"slug": tenant, "name": TENANTS[tenant]}


def test_each_superseded_revision_ends_before_its_successor_begins() -> None:
    successors = [source for source in SOURCES if source.supersedes]

    assert len(successors) >= 2
    for new in successors:
        old = source(new.tenant, str(new.supersedes))
        assert old.number == new.number
        assert old.effective_until is not None
        assert old.effective_from < old.effective_until < new.effective_from
    assert {old.file for old in SOURCES if old.superseded} == {new.supersedes for new in successors}


def test_some_documents_are_for_few_and_one_is_for_everybody() -> None:
    levels = Counter(source.classification for source in SOURCES)

    assert levels["PUBLIC"] >= 1
    assert levels["CONFIDENTIAL"] >= 1
    assert levels["INTERNAL"] > len(SOURCES) // 2
    assert any("restricted" in source.tags for source in SOURCES)


@pytest.mark.parametrize(
    "document", [source for source in SOURCES if source.form == "pdf"], ids=lambda source: source.file
)
def test_every_page_of_a_pdf_says_which_page_of_how_many_it_is(document: Source) -> None:
    pdf = pypdfium2.PdfDocument(PLANT / document.tenant / document.file)

    for number, page in enumerate(pdf, start=1):
        text = page.get_textpage().get_text_range()
        assert f"Page {number} of {len(pdf)}" in text
        assert document.number in text


@pytest.mark.parametrize(
    "document", [source for source in SOURCES if source.form == "docx"], ids=lambda source: source.file
)
def test_a_word_file_numbers_each_list_anew(document: Source) -> None:
    word: Any = docx.Document(str(PLANT / document.tenant / document.file))
    numbers = [
        paragraph._p.pPr.numPr.numId.val for paragraph in word.paragraphs if paragraph.style.name == "List Number"
    ]
    ordered = [block for block in blocks(document.body) if isinstance(block, Listing) and block.ordered]

    assert len(set(numbers)) == len(ordered)
    assert len(numbers) == sum(len(listing.items) for listing in ordered)
    assert any(paragraph.style.name.startswith("Heading") for paragraph in word.paragraphs)

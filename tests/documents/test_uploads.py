"""What an upload may say of itself."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.documents.errors import InvalidDocument, UnknownClassification, UnsupportedFile
from appliance.documents.uploads import clean_filename, describe, level_of


@pytest.mark.parametrize(
    ("spellings", "level"),
    [
        ((None, "", "INTERNAL", "II", "class ii", "Class_II", "2"), 2),
        (("public", "I", "1", "general"), 1),
        (("CONFIDENTIAL", "III", "Critical", "3"), 3),
        (("restricted", "IV", "4"), 4),
    ],
)
def test_each_level_has_several_spellings(spellings: tuple[str | None, ...], level: int) -> None:
    assert {level_of(spelling) for spelling in spellings} == {level}


@pytest.mark.parametrize("text", ["V", "0", "SECRET", "2.0"])
def test_an_unknown_classification_is_an_error_and_not_the_default(text: str) -> None:
    with pytest.raises(UnknownClassification):
        level_of(text)


@pytest.mark.parametrize(
    ("classification", "tags", "level"),
    [
        (None, ["pump"], 2),
        (None, ["Public"], 1),
        ("", ["confidential"], 3),
        (None, ["public", "RESTRICTED"], 4),
        ("INTERNAL", ["restricted"], 2),
        ("III", ["public"], 3),
    ],
)
def test_a_tag_says_the_class_where_nothing_else_does(classification: str | None, tags: list[str], level: int) -> None:
    upload = describe("a.pdf", classification=classification, tags=tags)

    assert upload.level == level
    assert upload.tags == tuple(tag.lower() for tag in tags)


def test_what_is_known_is_taken_out_of_the_metadata_and_the_rest_is_kept() -> None:
    upload = describe(
        "a.pdf",
        metadata='{"revision": 3, "assets": "P-101A, P-101B", "supersedes": "x, y.pdf", "doc_type": "manual",'
        ' "effective_from": "2024-02-01", "effective_until": "2024-12-31", "acl": ["u1"], "title": " A  B ", "k": 1}',
        tags=["Pump", "pump", " alder "],
    )

    assert (upload.revision, upload.doc_type, upload.title) == ("3", "manual", "A B")
    assert (upload.assets, upload.supersedes, upload.acl) == (("P-101A", "P-101B"), ("x, y.pdf",), ("u1",))
    assert upload.effective_from == dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
    assert upload.effective_until == dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert (upload.tags, upload.details) == (("pump", "alder"), {"k": 1})


@pytest.mark.parametrize(
    "metadata",
    [
        "[]", "{", '"a"', '{"effective_from": "yesterday"}', '{"effective_from": 5}', '{"assets": {"a": 1}}',
        '{"assets": [[1]]}', '{"revision": {}}', '{"revision": true}', '{"supersedes": 5}', "[" * 100_000,
        '{"effective_from": "2024-02-02", "effective_until": "2024-01-01"}', '{"doc_type": "' + "x" * 65 + '"}',
    ],
)  # fmt: skip
def test_metadata_that_makes_no_sense_is_an_error(metadata: str) -> None:
    with pytest.raises(InvalidDocument):
        describe("a.pdf", metadata=metadata)


def test_an_ending_that_is_not_read_is_refused_before_anything_is_stored() -> None:
    for name in ("a.exe", "a.xlsx", "pdf", "a."):
        with pytest.raises(UnsupportedFile):
            describe(name)


@given(st.text(max_size=60))
def test_a_clean_name_neither_climbs_nor_hides_its_way(text: str) -> None:
    try:
        name = clean_filename(text)
    except InvalidDocument:
        return

    assert not name.startswith("/")
    assert not {"", ".", ".."} & set(name.split("/"))
    assert name.isprintable()
    assert clean_filename(name) == name


def test_folders_stay_in_the_name_and_climbing_does_not() -> None:
    assert clean_filename("pumps/P-101A.pdf") == "pumps/P-101A.pdf"
    assert clean_filename("../../etc/passwd.txt") == "etc/passwd.txt"
    assert clean_filename("C:\\Users\\n\\sop.docx") == "Users/n/sop.docx"


def test_the_fingerprint_changes_with_everything_that_is_said() -> None:
    uploads = [
        describe("a.md"), describe("b.md"), describe("a.md", classification="I"), describe("a.md", tags=["t"]),
        describe("a.md", metadata='{"k": 1}'), describe("a.md", metadata='{"revision": "1"}'),
    ]  # fmt: skip

    assert len({upload.fingerprint("00") for upload in uploads} | {uploads[0].fingerprint("01")}) == 7
    assert describe("a.md").fingerprint("00") == describe("a.md", classification="INTERNAL").fingerprint("00")

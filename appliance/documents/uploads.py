"""What an upload says of itself: classification, metadata, tags, name. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from appliance.documents.errors import InvalidDocument, UnknownClassification, UnsupportedFile
from appliance.documents.exporting import ExportControl, export_control
from appliance.documents.parsing.filetypes import FileKind, by_name

LEVEL_NAMES = {1: "PUBLIC", 2: "INTERNAL", 3: "CONFIDENTIAL", 4: "RESTRICTED"}
CLASS_NAMES = {1: "I", 2: "II", 3: "III", 4: "IV"}
DEFAULT_LEVEL = 2
RESTRICTED = 4

_SPELLINGS = {
    spelling: level
    for level, spellings in {
        1: ("public", "i", "class i", "1", "general"),
        2: ("internal", "ii", "class ii", "2"),
        3: ("confidential", "iii", "class iii", "3", "critical"),
        4: ("restricted", "iv", "class iv", "4"),
    }.items()
    for spelling in spellings
}
TAGGED = {"public": 1, "confidential": 3, "restricted": 4}
"""What a tag says of the class, where nothing else does."""
MAX_METADATA = 16 * 1024
MAX_METADATA_BYTES = 64 * 1024
MAX_DEPTH = 8
"""Objects and lists within each other. What is kept is written out again: by the store, and to whoever reads it."""
MAX_ENTRIES = 100
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Upload:
    """A described upload, before its content is looked at."""

    filename: str
    kind: FileKind
    level: int
    tags: tuple[str, ...] = ()
    acl: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    revision: str | None = None
    doc_type: str | None = None
    title: str = ""
    effective_from: dt.datetime | None = None
    effective_until: dt.datetime | None = None
    supersedes: tuple[str, ...] = ()
    owner: str | None = None
    review_on: dt.datetime | None = None
    field_labels: Mapping[str, int] = field(default_factory=dict)
    export: ExportControl = field(default_factory=ExportControl)
    details: Mapping[str, Any] = field(default_factory=dict)
    team: str | None = None

    def fingerprint(self, content_sha256: str) -> str:
        """The same for the same content described in the same way."""
        said = [
            content_sha256, self.filename, self.level, self.tags, self.acl, self.assets, self.revision, self.doc_type,
            self.title, str(self.effective_from), str(self.effective_until), self.supersedes, self.details,
        ]  # fmt: skip
        # Left out where nothing is said, so that what was uploaded before there were such things is still the same.
        said += [str(one) for one in (self.owner, self.review_on, dict(self.field_labels), self.export.said) if one]
        said += [f"team {self.team}"] if self.team else []
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()


def level_of(classification: str | None, tags: Sequence[str] = ()) -> int:
    """1 to 4, from any spelling; when nothing is said the highest that a tag says, else INTERNAL.

    Raises:
        UnknownClassification: it is none of the four.
    """
    text = " ".join((classification or "").replace("_", " ").lower().split())
    if not text:
        return max((TAGGED[tag] for tag in tags if tag in TAGGED), default=DEFAULT_LEVEL)
    level = _SPELLINGS.get(text)
    if level is None:
        raise UnknownClassification("The classification is none of the four levels.")
    return level


def describe(
    filename: str | None,
    *,
    classification: str | None = None,
    metadata: str | None = None,
    tags: Sequence[str] = (),
    team: str | None = None,
) -> Upload:
    """Check and complete what came with a file.

    Raises:
        InvalidDocument: a name, a date, the team or the metadata cannot be used.
        UnsupportedFile: files with that ending are not read.
        UnknownClassification: see `level_of`.
    """
    name = clean_filename(filename)
    found = by_name(name)
    if found.kind is None:
        raise UnsupportedFile(f"Files ending in .{found.extension or '?'} are not read.", extension=found.extension)
    words = _words(tags, "tags", lower=True)
    level = level_of(classification, words)
    said = _metadata(metadata)
    start = _moment(said, "effective_from")
    end = _moment(said, "effective_until", through_the_day=True)
    if start and end and end <= start:
        raise InvalidDocument("effective_until lies before effective_from.", field="metadata")
    known = {
        "revision", "effective_from", "effective_until", "supersedes", "assets", "doc_type", "acl", "title",
        "owner", "review_on", "field_labels", "export_control",
    }  # fmt: skip
    return Upload(
        filename=name,
        kind=found.kind,
        level=level,
        tags=words,
        acl=_words(said.get("acl"), "acl"),
        assets=_words(said.get("assets"), "assets"),
        revision=_short(said, "revision", 64),
        doc_type=_short(said, "doc_type", 64),
        title=_short(said, "title", 300) or "",
        effective_from=start,
        effective_until=end,
        supersedes=_words(said.get("supersedes"), "supersedes", split=False),
        owner=_short(said, "owner", 64),
        review_on=_moment(said, "review_on"),
        field_labels=_labels(said, known),
        export=export_control(said.get("export_control")),
        details={key: value for key, value in said.items() if key not in known},
        team=_team(team),
    )


def _team(text: str | None) -> str | None:
    try:
        return str(UUID(text)) if (text or "").strip() else None
    except ValueError:
        raise InvalidDocument("The team is the id of one.", field="team") from None


def _labels(said: Mapping[str, Any], known: set[str]) -> dict[str, int]:
    """The class of each field of the metadata that has one of its own."""
    labels = said.get("field_labels")
    if labels is None:
        return {}
    if not isinstance(labels, dict):
        raise InvalidDocument("field_labels is an object: the name of a field and its class.", field="metadata")
    if strange := sorted(str(name) for name in labels if name in known or name not in said):
        raise InvalidDocument(f"field_labels names {strange[0]!r}, which is no field of your own.", field="metadata")
    return {name: level_of(str(label)) for name, label in labels.items()}


def clean_filename(filename: str | None) -> str:
    """A relative path with forward slashes, without parts that climb or hide.

    Raises:
        InvalidDocument: nothing usable is left.
    """
    text = unicodedata.normalize("NFC", filename or "").replace("\\", "/")
    text = "".join(character for character in text if character.isprintable())
    parts = [part.strip() for part in text.split("/")]
    parts = [part for part in parts if part not in {"", ".", ".."} and not part.endswith(":")]
    name = "/".join(parts)
    if not name or not parts[-1].strip(". "):
        raise InvalidDocument("The file has no name.", field="file")
    if len(name) > MAX_NAME:
        raise InvalidDocument(f"The file's name is longer than {MAX_NAME} characters.", field="file")
    return name


def _metadata(text: str | None) -> dict[str, Any]:
    if not (text or "").strip():
        return {}
    if len(text or "") > MAX_METADATA:
        raise InvalidDocument(f"The metadata is longer than {MAX_METADATA} characters.", field="metadata")
    try:
        said = json.loads(text or "")
    except (ValueError, RecursionError):
        raise InvalidDocument("The metadata is not JSON.", field="metadata") from None
    if not isinstance(said, dict):
        raise InvalidDocument("The metadata is not a JSON object.", field="metadata")
    if _deeper_than(said, MAX_DEPTH):
        raise InvalidDocument(f"The metadata is nested deeper than {MAX_DEPTH} levels.", field="metadata")
    try:
        size = len(json.dumps(said, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise InvalidDocument("The metadata holds text or numbers that cannot be kept.", field="metadata") from None
    if size > MAX_METADATA_BYTES:
        raise InvalidDocument(f"The metadata is longer than {MAX_METADATA_BYTES} bytes.", field="metadata")
    return said


def _deeper_than(value: object, most: int) -> bool:
    """Whether objects and lists lie within each other more than `most` deep."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_deeper_than(one, most - 1) for one in inner)


def _short(said: Mapping[str, Any], key: str, most: int) -> str | None:
    value = said.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > most:
        raise InvalidDocument(f"{key} is a text of at most {most} characters.", field="metadata")
    return " ".join(str(value).split()) or None


def _words(value: object, key: str, *, lower: bool = False, split: bool = True) -> tuple[str, ...]:
    """A list of short texts, given as a list or as one text with commas; each once, in order."""
    if value is None or value == "":
        return ()
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str | int) for entry in entries):
        raise InvalidDocument(f"{key} is a list of words.", field=key)
    parts = [part for entry in entries for part in (str(entry).split(",") if split else [str(entry)])]
    words = [" ".join(part.split()) for part in parts]
    words = [word.lower() if lower else word for word in words if word]
    if len(words) > MAX_ENTRIES or any(len(word) > MAX_NAME for word in words):
        raise InvalidDocument(f"{key} holds at most {MAX_ENTRIES} short words.", field=key)
    return tuple(dict.fromkeys(words))


def _moment(said: Mapping[str, Any], key: str, *, through_the_day: bool = False) -> dt.datetime | None:
    """A date (its first moment, or with `through_the_day` the first moment after it) or a moment; UTC if not said."""
    value = said.get(key)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and len(value) == len("2024-01-31"):
            day = dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), dt.UTC)
            return day + dt.timedelta(days=1) if through_the_day else day
        moment = dt.datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDocument(f"{key} is a date such as 2024-01-31.", field="metadata") from None

"""Public lists of payloads through every parameter that takes a text: it stays a text.

Nothing fails, nothing is run, read, asked or shown that is not meant to be. Each payload goes to a few parameters, in turn, so
that each parameter gets some of each list.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.plant import QUESTION, TENANT, TORQUE, Plant, running_plant
from tests.attacks.lists import ALL, PAYLOADS, family
from tests.attacks.routes import Operation, described
from tests.attacks.tally import attempt
from tests.documents.papers import docx_of

SQL = (
    "Auth_Bypass.txt", "Auth_Bypass2.txt", "FUZZDB_MSSQL-WHERE_Time.txt", "FUZZDB_MSSQL.txt",
    "FUZZDB_MSSQL_Enumeration.txt", "FUZZDB_MYSQL.txt", "FUZZDB_MySQL-WHERE_Time.txt", "FUZZDB_MySQL_ReadLocalFiles.txt",
    "FUZZDB_Oracle.txt", "FUZZDB_Postgres_Enumeration.txt", "Generic_ErrorBased.txt", "Generic_Fuzz.txt",
    "Generic_TimeBased.txt", "Generic_UnionSelect.txt", "SQL-Injection", "SQLi_Polyglots.txt",
    "payloads-sql-blind-MSSQL-INSERT", "payloads-sql-blind-MSSQL-WHERE", "payloads-sql-blind-MySQL-INSERT",
    "payloads-sql-blind-MySQL-ORDER_BY", "payloads-sql-blind-MySQL-WHERE",
)  # fmt: skip
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "SQL": ("SQL Injection", tuple(f"Intruder/{name}" for name in SQL)),
    "NoSQL": ("NoSQL Injection", ("Intruder/NoSQL.txt", "Intruder/MongoDB.txt")),
    "LDAP": ("LDAP Injection", ("Intruder/LDAP_FUZZ.txt", "Intruder/LDAP_attributes.txt")),
    "commands": ("Command Injection", ("Intruder/command_exec.txt", "Intruder/command-execution-unix.txt")),
    "templates": ("Server Side Template Injection", ("Intruder/ssti.fuzz",)),
    "traversal": ("Directory Traversal", ("Intruder/directory_traversal.txt", "Intruder/deep_traversal.txt")),
    "inclusion": ("File Inclusion", ("Intruders/JHADDIX_LFI.txt", "Intruders/php-filter-iconv.txt")),
    "XXE": ("XXE Injection", ("Intruders/XXE_Fuzzing.txt", "Intruders/xml-attacks.txt")),
    "XSS": ("XSS Injection", ("Intruders/IntrudersXSS.txt", "Intruders/RSNAKE_XSS.txt", "Intruders/XSS_Polyglots.txt")),
}
DATABASES = {"SQL", "NoSQL"}
TOLD = re.compile(
    rb"root:[x*]:0|Traceback|sqlite3?\.|psycopg|sqlalchemy|syntax error|no such (table|column)|unrecognized token"
)
"""What a database, an interpreter or a file of the box would say."""
NOT_SENT = {"logout", "refresh"}


@dataclass(frozen=True)
class Place:
    """A parameter that takes a text."""

    operation: Operation
    where: str
    name: str
    longest: int
    many: bool = False

    def send(self, client: httpx.Client, text: str) -> httpx.Response:
        text = text[: self.longest]
        operation = self.operation
        if self.where == "query":
            return client.request(operation.method, operation.url(), params={self.name: text})
        if self.where == "path":
            return operation.send(client, operation.bodies()[0], **{self.name: quote(text, safe="")})
        body = operation.bodies()[0] or {}
        return operation.send(client, body | {self.name: [text] if self.many else text})


def places(operations: list[Operation]) -> list[Place]:
    """Every parameter of the API that takes a text of somebody's own."""
    found = []
    for one in operations:
        if one.id in NOT_SENT:
            continue
        for parameter in one.description.get("parameters", ()):
            schema = _plain(parameter["schema"])
            if parameter["in"] in {"query", "path"} and _is_text(schema):
                found.append(Place(one, parameter["in"], parameter["name"], schema.get("maxLength", 4000)))
        media = one.content().get("application/json")
        for name, field in _properties(media["schema"], one.schemas).items() if media else ():
            schema = _plain(field)
            if _is_text(schema):
                found.append(Place(one, "body", name, schema.get("maxLength", 4000)))
            elif schema.get("type") == "array" and _is_text(_plain(schema["items"])):
                found.append(Place(one, "body", name, 200, many=True))
    return found


def _properties(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = _plain(schema)
    if reference := schema.get("$ref"):
        schema = schemas[reference.rpartition("/")[2]]
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    options = schema.get("oneOf") or schema.get("anyOf")
    return {**schema, **options[0]} if options else schema


def _is_text(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not schema.keys() & {"format", "enum"}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("lists")) as plant:
        yield plant


@pytest.fixture(scope="module")
def found(plant: Plant) -> list[Place]:
    return places(described(plant))


def judged(response: httpx.Response, sent: str = "") -> None:
    """No failure, no page, and nothing that only the inside of the node could say."""
    place = (response.request.method, response.request.url.path, response.request.content[:300])
    assert response.status_code < 500, (place, response.text[:300])
    if "content-type" in response.headers:
        assert "html" not in response.headers["content-type"], place
    assert response.headers["x-content-type-options"] == "nosniff"
    # A refusal may name what was sent; that is nothing from inside.
    told = response.content.replace(json.dumps(sent)[1:-1].encode(), b"") if sent else response.content
    assert not TOLD.search(told), (place, response.text[:400])


def test_texts_are_found_where_they_are_taken(found: list[Place]) -> None:
    known = {(one.operation.id, one.name) for one in found}

    assert len(known) > 35
    assert known >= {
        ("search", "query"),
        ("search", "tags"),
        ("chat", "message"),
        ("list_documents", "q"),
        ("login", "username"),
    }


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_payload_stays_a_text_wherever_it_is_written(plant: Plant, found: list[Place], kind: str) -> None:
    folder, names = FAMILIES[kind]
    payloads = family(folder, *names)
    turn = itertools.cycle(found)
    each = len(found) if ALL else 4 if kind in DATABASES else 2
    # At the owner's door nobody is slowed down, and no token ends.
    with plant.node.owner(TENANT) as owner:

        def send(work: tuple[Place, str]) -> None:
            place, text = work
            with attempt():
                judged(place.send(owner, text), text)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(send, ((next(turn), text) for text in payloads for _ in range(each))))
        answer = owner.post("/v1/search", json={"query": QUESTION}).raise_for_status().json()
        assert TORQUE in answer["results"][0]["text"]


def addresses() -> list[str]:
    """Addresses of the public pages on forged requests, and our own."""
    own = [
        "http://127.0.0.1:1", "http://localhost", "http://0.0.0.0:80", "http://[::1]:80", "http://[::]:80", "http://0177.0.0.1",
        "http://2130706433", "http://0x7f000001", "http://127.1", "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]", "http://metadata.google.internal", "file:///etc/passwd", "gopher://127.0.0.1:25/_x",
        "dict://127.0.0.1:11211/stat", "http://10.0.0.1@127.0.0.1", "http://evil.example#@10.0.0.1", "unix:///run/outpost.sock",
        "http://127.0.0.1:8000\\@evil.example", "http:127.0.0.1", "//127.0.0.1", "http://①②⑦.⓪.⓪.①",
    ]  # fmt: skip
    folder = PAYLOADS / "Server Side Request Forgery"
    pages = (
        [page.read_text("utf-8", errors="replace") for page in sorted(folder.glob("*.md"))] if folder.is_dir() else []
    )
    return own + sorted({one for page in pages for one in re.findall(r"(?:https?|gopher|dict|ftp|file|ldap|netdoc|jar)://[^\s`'\")\]<>]+", page)})  # fmt: skip


def test_no_address_makes_the_node_ask_anybody_that_its_owner_has_not_listed(plant: Plant) -> None:
    with plant.node.owner(TENANT) as admin:
        for address in addresses():
            new = {"name": "elsewhere", "base_url": address[:300], "models": [{"name": "m", "tiers": ["light"]}]}
            with attempt():
                refused = admin.post("/v1/admin/models/providers/register", json=new)
                assert (refused.status_code, refused.json()["code"]) in {(422, "address-refused"), (400, "invalid-input")}, refused.text  # fmt: skip
        assert [one["name"] for one in admin.get("/v1/admin/models/providers").json()["items"]] == ["local"]


SLIPS = [
    "../../../../tmp/slipped", "/tmp/slipped", "..\\..\\slipped", "word/../../slipped", "C:\\slipped", "word/media/../../../slipped",
    "\u2025/slipped", "~/slipped", "word/document.xml/../../../slipped",
]  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_no_part_of_an_archive_is_written_beside_it(plant: Plant, name: str) -> None:
    """Zip slip: a Word file is an archive whose parts say where they want to be."""
    before = {path for path in plant.node.data.parent.rglob("*") if "slipped" in path.name}
    archive = io.BytesIO(docx_of())
    with zipfile.ZipFile(archive, "a") as parts:
        parts.writestr(name, b"slipped")
        link = zipfile.ZipInfo("word/link")
        link.external_attr = 0o120777 << 16
        parts.writestr(link, "/etc/passwd")
    operator = plant.person("operator")
    with attempt():
        response = operator.post("/v1/documents/upload", files={"file": ("slip.docx", archive.getvalue())})
        assert response.status_code in {202, 400, 415}, response.text
        if response.status_code == 202:
            document = response.json()["document_id"]
            settled = {"ready", "failed"}
            plant.node.wait_for(
                lambda: operator.get(f"/v1/documents/{document}").json()["status"] in settled, "it", seconds=60
            )
            assert b"root:" not in operator.get(f"/v1/documents/{document}/passages").content
            operator.delete(f"/v1/documents/{document}")
        assert {path for path in plant.node.data.parent.rglob("*") if "slipped" in path.name} == before
        assert not Path("/tmp/slipped").exists()

"""Published payloads and hostile shapes against a running node: refused or answered, never a crash, never a way out."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.plant import MANUAL, QUESTION, TENANT, TORQUE, Plant, problem_of, running_plant
from tests.attacks.lists import family, spread
from tests.attacks.tally import attempt, tried
from tests.chat.test_chat_http import events_of

JSON = {"content-type": "application/json"}
NOWHERE = str(uuid.UUID(int=0))
DEEP = b"[" * 100_000 + b"]" * 100_000
HOSTILE = [
    "\x00",
    "a\x00b",
    "\x1b[2J",
    "\u2028\u2029\x85",
    "\ufffe\uffff",
    "\u202etxt",
    "%00%0d%0a",
    "{{7*7}}${7*7}",
    "🦙" * 300,
]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("plant")) as plant:
        # Signed in before the guessing tests use up what one address may try.
        for role in ("admin", "operator", "viewer"):
            plant.person(role)
        yield plant


@pytest.fixture(autouse=True)
def _the_node_lives_on(plant: Plant) -> Iterator[None]:
    """After every attack the same processes still answer."""
    before = plant.node.pids()
    yield
    answer = plant.person("operator").post("/v1/search", json={"query": QUESTION}).raise_for_status().json()
    assert TORQUE in answer["results"][0]["text"]
    assert plant.node.pids() == before


def at_once(attack: Callable[[str], int], payloads: list[str]) -> set[int]:
    def counted(payload: str) -> int:
        with attempt():
            return attack(payload)

    with ThreadPoolExecutor(6) as pool:
        return set(pool.map(counted, payloads))


def files_of(data: Path) -> set[str]:
    """Every file beside the ones that databases make and remove as they please."""
    return {str(path) for path in data.parent.rglob("*") if path.suffix in {".md", ".txt", ""} and path.is_file()}


# --- Paths ---------------------------------------------------------------------------------------------------------


def traversals() -> list[str]:
    names = ("deep_traversal.txt", "directory_traversal.txt", "traversals-8-deep-exotic-encoding.txt")
    found = [
        line.replace("{FILE}", "etc/passwd")
        for line in family("Directory Traversal", *(f"Intruder/{name}" for name in names))
    ]
    return [*found, "/assets/../../../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd"]


def test_no_path_leads_out_of_the_built_pages(plant: Plant) -> None:
    def attack(payload: str) -> int:
        path = "/" + payload.lstrip("/").replace(" ", "%20")
        answer = plant.raw(f"GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n".encode())
        assert b"root:" not in answer
        assert b"SQLite" not in answer
        return int(answer.split()[1])

    assert at_once(attack, traversals()) <= {200, 400, 401, 404}


def test_no_document_id_leads_to_a_file(plant: Plant) -> None:
    token = plant.person("operator").headers["authorization"]

    def attack(payload: str) -> int:
        path = f"/v1/documents/{payload.lstrip('/').replace(' ', '%20')}/file"
        head = f"GET {path} HTTP/1.1\r\nhost: node\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
        answer = plant.raw(head.encode())
        assert b"root:" not in answer
        return int(answer.split()[1])

    assert at_once(attack, traversals()) <= {400, 404}


def test_no_file_name_of_an_upload_leads_out_of_the_library(plant: Plant) -> None:
    names = [f"{line}.md" for line in spread(traversals(), 12)] + [
        "../../../../../tmp/owned.md",
        "/etc/cron.d/owned.md",
        "C:\\owned.md",
    ]
    before = files_of(plant.node.data)
    operator = plant.person("operator")
    for index, name in enumerate(names):
        text = f"# Note {index}\n\nNothing to see."
        tried()
        response = operator.post("/v1/documents/upload", files={"file": (name, text.encode())})
        assert response.status_code in {202, 400, 415}, response.text
        if response.status_code == 202:
            document = response.json()["document_id"]
            shown = operator.get(f"/v1/documents/{document}").json()["filename"]
            assert ".." not in shown.split("/")
            assert not shown.startswith("/")
            plant.node.wait_for(lambda one=document: settled(operator, one), "the document", seconds=60)
            assert operator.delete(f"/v1/documents/{document}").status_code in {200, 204}

    assert not Path("/tmp/owned.md").exists()
    assert not Path("/etc/cron.d/owned.md").exists()
    assert {path for path in files_of(plant.node.data) - before if "owned" in path or "Note" in path} == set()


def settled(client: httpx.Client, document: str) -> bool:
    return client.get(f"/v1/documents/{document}").json()["status"] in {"ready", "failed"}


# --- Injection -----------------------------------------------------------------------------------------------------


def injections() -> list[str]:
    names = (
        "Auth_Bypass.txt",
        "Generic_Fuzz.txt",
        "Generic_UnionSelect.txt",
        "SQLi_Polyglots.txt",
        "FUZZDB_Postgres_Enumeration.txt",
    )
    fts = [
        '" OR *',
        "NEAR(a b, 5)",
        "text:torque AND",
        "a* NOT",
        "((((",
        '""""',
        "^a + b",
        "-torque",
        "{heading text} : x",
    ]
    return [
        *family("SQL Injection", *(f"Intruder/{name}" for name in names)),
        *family("NoSQL Injection", "Intruder/NoSQL.txt"),
        *fts,
    ]


def test_sql_in_a_search_and_in_its_filters_is_text(plant: Plant) -> None:
    viewer = plant.person("viewer")

    def attack(payload: str) -> int:
        text = payload.strip() or "x"
        filtered = {"query": text, "tags": [text], "doc_types": [text], "assets": [text]}
        found = viewer.post("/v1/search", json={"query": text})
        narrowed = viewer.post("/v1/search", json=filtered)
        assert narrowed.json()["results"] == [], narrowed.text
        return max(found.status_code, narrowed.status_code)

    assert at_once(attack, injections()) == {200}


def test_sql_in_lists_and_their_filters_finds_nothing_more(plant: Plant) -> None:
    viewer, admin = plant.person("viewer"), plant.person("admin")

    def attack(payload: str) -> int:
        found = [
            viewer.get("/v1/documents", params={"q": payload[:200]}),
            viewer.get("/v1/documents", params={"status": payload}),
            admin.get("/v1/admin/jobs", params={"state": payload}),
            admin.get("/v1/audit", params={"event_type": payload[:128], "limit": 1}),
            admin.get("/v1/audit", params={"user_id": payload[:36], "limit": 1}),
        ]
        for response in found[1:]:
            assert response.status_code == 400 or response.json()["items"] == [], response.text
        return max(response.status_code for response in found)

    assert at_once(attack, injections()[::2]) <= {200, 400}


def test_sql_in_a_question_or_a_title_is_kept_as_text(plant: Plant) -> None:
    viewer = plant.person("viewer")
    for payload in spread(injections(), 12):
        tried(2)
        title = viewer.post("/v1/conversations", json={"title": payload}).raise_for_status().json()
        answer = (
            viewer.post(f"/v1/conversations/{title['id']}/chat", json={"message": payload}).raise_for_status().json()
        )
        kept = viewer.get(f"/v1/conversations/{answer['conversation_id']}").json()["messages"]
        assert kept[0]["content"] == payload.strip()


def test_sql_at_the_sign_in_opens_nothing(plant: Plant) -> None:
    payloads = spread(family("SQL Injection", "Intruder/Auth_Bypass.txt", "Intruder/Auth_Bypass2.txt"), 12)

    def attack(payload: str) -> int:
        with plant.stranger() as client:
            body = {"tenant": TENANT, "username": payload[:120], "password": payload[:250]}
            return client.post("/v1/auth/login", json=body).status_code

    assert at_once(attack, payloads) <= {401, 429}


def test_no_line_break_gets_into_a_header(plant: Plant) -> None:
    own = ["%0d%0aX-Evil: 1", "%0aX-Evil:%201", "\\r\\nX-Evil: 1"]
    payloads = [*family("CRLF Injection", "Files/crlfinjection.txt"), *own]
    token = plant.person("viewer").headers["authorization"]

    def attack(payload: str) -> int:
        codes = []
        for path in (f"/{payload}", f"/v1/{payload}", f"/v1/documents?q={payload}", f"/api/{payload}"):
            target = path.replace(" ", "%20").replace("\r", "%0d").replace("\n", "%0a")
            head = f"GET {target} HTTP/1.1\r\nhost: node\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
            headers, _, _ = plant.raw(head.encode("utf-8", errors="replace")).partition(b"\r\n\r\n")
            names = {line.partition(b":")[0].lower() for line in headers.split(b"\r\n")[1:]}
            assert not names & {b"set-cookie", b"x-evil", b"location", b"crlf-test", b"header-test"}, headers
            codes.append(int(headers.split()[1]))
        return max(codes)

    assert at_once(attack, payloads) <= {200, 400, 404}


def test_no_file_name_gets_a_line_break_into_the_headers_of_its_download(plant: Plant) -> None:
    operator = plant.person("operator")
    parts = [
        b'--x\r\ncontent-disposition: form-data; name="file"; filename="a%0d%0aX-Evil: 1\\r\\n\xc2\x85;b=\\"c.md"\r\n\r\n',
        b"# Harmless\n\n<script>alert(1)</script> Some text.\r\n--x--\r\n",
    ]
    kind = {"content-type": "multipart/form-data; boundary=x"}
    response = operator.post("/v1/documents/upload", content=b"".join(parts), headers=kind)
    document = response.raise_for_status().json()["document_id"]
    tried()

    download = operator.get(f"/v1/documents/{document}/file")

    assert "x-evil" not in download.headers
    assert download.headers["content-disposition"].startswith("attachment;")
    assert "html" not in download.headers["content-type"]
    plant.node.wait_for(lambda: settled(operator, document), "the document", seconds=60)
    operator.delete(f"/v1/documents/{document}")


def test_no_question_and_no_document_writes_an_event_of_its_own_into_a_stream(plant: Plant) -> None:
    forged = 'event: answer\ndata: {"answer": "open the valve"}\n\nevent: end\ndata: {}\n\n'
    text = f"# Valve V-99\n\nThe valve V-99 opens at 3 bar.\u2028{forged}\r\revent: end\r\rdata: {{}}\x85end of V-99\n"
    document = plant.put("valve\u2028event: end.md", text)
    viewer = plant.person("viewer")

    for question in (
        f"At how many bar does V-99 open?\n\n{forged}",
        "event: end\r\rdata: {}\r\r V-99?",
        "V-99\u2028opens\x85at?",
    ):
        tried()
        response = viewer.post("/v1/chat", json={"message": question, "stream": True})
        assert re.findall(r"^event: (\w+)$", response.text, re.MULTILINE) == ["passages", "answer", "end"]
        assert [name for name, _ in events_of(response)] == ["passages", "answer", "end"]
        assert all(data != {"answer": "open the valve"} for _, data in events_of(response))

    plant.person("operator").delete(f"/v1/documents/{document}")


# --- Shapes --------------------------------------------------------------------------------------------------------


def bodies(plant: Plant) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and properties of everything that takes JSON."""
    with plant.stranger() as client:
        document = client.get("/openapi.json").json()
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            schema = content["schema"]
            reference = json.dumps(schema).partition("#/components/schemas/")[2].partition('"')[0]
            properties = document["components"]["schemas"][reference]["properties"]
            found.append((method.upper(), re.sub(r"\{[^}]*\}", NOWHERE, path), properties))
    assert len(found) > 12
    return found


def sent(plant: Plant, method: str, path: str, content: bytes) -> int:
    return plant.person("admin").request(method, path, content=content, headers=JSON).status_code


REFUSED = {201, 400, 401, 403, 404, 429}
"""Made, where nothing of it has to be said, or refused."""


def test_every_route_that_takes_json_refuses_what_is_none_of_its_shape(plant: Plant) -> None:
    wrong = [
        DEEP,
        b"null",
        b"[]",
        b"1e999",
        b"NaN",
        b'"\\ud800"',
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"\xef\xbb\xbf{}",
        b'{"":{}}',
    ]
    for method, path, properties in bodies(plant):
        name = next(iter(properties)).encode()
        own = [
            b'{"%b":%b}' % (name, value)
            for value in (DEEP, b"9" * 400, b"-0.0e-999", b"Infinity", b'"\\ud83d"', b'{"a":1}')
        ]
        for content in wrong + own:
            with attempt():
                # A body that may be left out may be null.
                taken = REFUSED | ({200, 202} if content == b"null" else set())
                assert sent(plant, method, path, content) in taken, (method, path, content[:60])


def test_no_string_in_any_body_makes_a_node_stumble(plant: Plant) -> None:
    taken = bodies(plant)

    def attack(text: str) -> int:
        codes = []
        for method, path, properties in taken:
            body = {name: hostile(schema, text) for name, schema in properties.items()}
            for one in (body, *({name: value} for name, value in body.items())):
                codes.append(sent(plant, method, path, json.dumps(one).encode()))
                assert codes[-1] < 500, (method, path, one)
        return max(codes)

    at_once(attack, HOSTILE)
    let_go_of_everything(plant)


def let_go_of_everything(plant: Plant) -> None:
    """A hold needs a reason alone, which any string is, and then it keeps everything."""
    admin = plant.person("admin")
    for hold in admin.get("/v1/holds", params={"page_size": 100}).raise_for_status().json()["items"]:
        if hold["released_at"] is None:
            released = admin.post(f"/v1/holds/{hold['id']}/release", json={"reason": "it was an attack"})
            assert released.status_code == 200, released.text


def hostile(schema: dict[str, Any], text: str) -> Any:
    """A value of the type that the schema names, made of `text` where it can be."""
    options = schema.get("oneOf") or schema.get("anyOf") or [schema]
    kind = options[0].get("type")
    if options[0].get("format") == "uuid":
        return NOWHERE
    if kind == "array":
        return [text]
    return {"integer": 1, "boolean": False, "object": {text: {text: text}}}.get(str(kind), text)


def test_no_number_in_a_path_or_a_query_makes_a_node_stumble(plant: Plant) -> None:
    admin = plant.person("admin")
    document = next(
        one["document_id"] for one in admin.get("/v1/documents").json()["items"] if one["filename"] == MANUAL
    )
    for number in ("-1", "0", str(2**31), str(2**63), str(2**64), "9" * 400, "1e400", "0x10", "NaN", "%00", "１"):
        for path in (
            f"/v1/documents/{document}/pages/{number}",
            f"/v1/documents/{document}/pages/1?width={number}",
            f"/v1/documents/{document}/passages?start={number}",
            f"/v1/documents/{document}/passages?limit={number}",
            f"/v1/documents?page_size={number}",
            f"/v1/audit?limit={number}",
        ):
            with attempt():
                assert admin.get(path).status_code < 500, path


def test_no_moment_makes_a_node_stumble(plant: Plant) -> None:
    for moment in (
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-13-01",
        "now",
        "1e400",
        "0",
        "-1",
        "2026-02-30",
    ):
        with attempt():
            assert plant.person("admin").get("/v1/audit", params={"after": moment}).status_code in {200, 400}, moment


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_does_not_exist_in_utc_is_named_as_a_wrong_field(plant: Plant, moment: str) -> None:
    tried()
    refused = plant.person("admin").get("/v1/audit", params={"after": moment})

    assert [one["field"] for one in problem_of(refused)["fields"]] == ["after"]
    assert refused.status_code == 400


@pytest.mark.parametrize("start", [2**31, 2**63, 2**64])
def test_a_place_beyond_every_document_is_named_as_a_wrong_field(plant: Plant, start: int) -> None:
    admin = plant.person("admin")
    document = next(
        one["document_id"] for one in admin.get("/v1/documents").json()["items"] if one["filename"] == MANUAL
    )
    tried()
    refused = admin.get(f"/v1/documents/{document}/passages", params={"start": start})

    assert [one["field"] for one in problem_of(refused)["fields"]] == ["start"]
    assert refused.status_code == 400
    assert admin.get(f"/v1/documents/{document}/passages", params={"start": 2**31 - 1}).json()["items"] == []


@pytest.mark.parametrize(
    "name", ["%00", "%ff%fe", "%ed%a0%80", "%u0000", quote("\x85\u2028"), "a" * 8000, "%", "%zz", "*", "~"]
)
def test_no_spelling_of_a_path_makes_a_node_stumble(plant: Plant, name: str) -> None:
    token = plant.person("admin").headers["authorization"]
    for path in (
        f"/{name}",
        f"/v1/{name}",
        f"/api/v1/{name}",
        f"/v1/documents/{name}",
        f"/v1/documents?q={name}",
        f"/v1?{name}",
    ):
        head = f"GET {path} HTTP/1.1\r\nhost: node\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
        with attempt():
            assert int(plant.raw(head.encode()).split()[1]) < 500, path


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": '{"revision": "\\ud800"}'},
        {"metadata": '{"title": "\\ud800", "assets": ["\\udfff"]}'},
        {"metadata": '{"revision": "a\\u0000b", "supersedes": ["\\u0000"]}'},
        {"metadata": "[" * 100_000},
        {"metadata": '{"free": "\\ud800"}'},
        {"metadata": '{"\\udfff": 1}'},
        {"metadata": '{"free": "a\\u0000b"}'},
        {"metadata": '{"free": ' + "[" * 900 + "]" * 900 + "}"},
        {"metadata": '{"free": ' + '{"a":' * 900 + "1" + "}" * 900 + "}"},
        {"metadata": '{"free": [NaN, Infinity, 1e999]}'},
        {"metadata": '{"free": ' + "9" * 4000 + "}"},
        {"metadata": '{"effective_from": 1e999}'},
        {"metadata": '{"effective_from": "9999-12-31T23:59:59-14:00"}'},
        {"metadata": '{"effective_until": "0001-01-01T00:00:00+14:00"}'},
        {"metadata": '{"acl": [{"a": 1}]}'},
        {"classification": "\x00"},
        {"classification": "IV"},
        {"tags": "\x00,\u2028"},
    ],
)
def test_no_description_of_an_upload_makes_a_node_stumble(plant: Plant, fields: dict[str, str]) -> None:
    tried()
    text = f"# Described by {abs(hash(str(fields)))}\n\nSome text."
    response = plant.person("operator").post(
        "/v1/documents/upload", files={"file": ("a.md", text.encode())}, data=fields
    )

    assert response.status_code in {202, 400, 403}, response.text
    if response.status_code == 202:
        document = response.json()["document_id"]
        operator = plant.person("operator")
        plant.node.wait_for(lambda: settled(operator, document), "the document", seconds=60)
        assert operator.get(f"/v1/documents/{document}").status_code == 200
        gone = operator.delete(f"/v1/documents/{document}")
        assert gone.status_code == 204, gone.text


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=", b"----\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data\r\n\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a: b\r\n" * 20_000),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\ncontent-disposition: form-data; name="tags"\r\n\r\na\r\n' * 5_000 + b"--x--",
        ),
        ("multipart/form-data; boundary=" + "x" * 5000, b"--" + b"x" * 5000),
        ("multipart/form-data; boundary=\xff", b"--\xff\r\n"),
        ("application/json", b"{}"),
        ("", b"# No kind"),
    ],
)
def test_an_upload_that_is_no_form_is_refused(plant: Plant, kind: str, content: bytes) -> None:
    tried()
    headers = {b"content-type": kind.encode("latin-1")}

    assert plant.person("operator").post("/v1/documents/upload", content=content, headers=headers).status_code in {
        400,
        413,
        415,
    }


@pytest.mark.parametrize(
    "framing",
    [
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: -1\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"transfer-encoding: chunked, chunked\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"content-length : 5\r\n",
        b"content-length: 5\r\n folded: 1\r\n",
    ],
)
def test_a_request_whose_length_is_told_in_two_ways_is_turned_away(plant: Plant, framing: bytes) -> None:
    tried()
    smuggled = b"0\r\n\r\nGET /v1 HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n"
    answer = plant.raw(
        b"POST /v1/auth/login HTTP/1.1\r\nhost: node\r\nconnection: close\r\n" + framing + b"\r\n" + smuggled
    )

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 4")

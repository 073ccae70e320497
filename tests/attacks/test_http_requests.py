"""Attacks on the shape of a request: smuggled, split, folded, blown up, with another host or another method than it seems.

Sent as bytes to the real server: no client library would.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator

import pytest

from tests.api.plant import Plant, running_plant
from tests.attacks.tally import attempt

SMUGGLED = b"GET /v1/smuggled HTTP/1.1\r\nhost: node\r\n\r\n"
BODY = b"0\r\n\r\n" + SMUGGLED
CLOSE = b"connection: close\r\n"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("shapes")) as plant:
        yield plant


def statuses(answer: bytes) -> list[int]:
    """Of every response on the line."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


FRAMINGS = {
    "length and chunks": b"content-length: %d\r\ntransfer-encoding: chunked\r\n",
    "chunks and length": b"transfer-encoding: chunked\r\ncontent-length: %d\r\n",
    "two lengths": b"content-length: %d\r\ncontent-length: 5\r\n",
    "two lengths in one": b"content-length: %d, 5\r\n",
    "a length with a sign": b"content-length: +%d\r\n",
    "a length in hex": b"content-length: 0x%x\r\n",
    "a length with a space before the colon": b"content-length : %d\r\n",
    "a length beyond reason": b"content-length: 18446744073709551621\r\n",
    "a folded length": b"content-length:\r\n %d\r\n",
    "a folded header": b"x-a: 1\r\n content-length: %d\r\n",
    "chunks behind a tab": b"transfer-encoding:\tchunked\r\ncontent-length: %d\r\n",
    "chunks behind a vertical tab": b"transfer-encoding: \x0bchunked\r\ncontent-length: %d\r\n",
    "chunks in capitals": b"Transfer-Encoding: CHUNKED\r\ncontent-length: %d\r\n",
    "other chunks": b"transfer-encoding: xchunked\r\ncontent-length: %d\r\n",
    "chunks that are not last": b"transfer-encoding: chunked, identity\r\ncontent-length: %d\r\n",
    "chunks twice": b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\ncontent-length: %d\r\n",
    "chunks with a space before the colon": b"transfer-encoding : chunked\r\ncontent-length: %d\r\n",
    "chunks in a folded header": b"x-a: 1\r\n transfer-encoding: chunked\r\ncontent-length: %d\r\n",
    "chunks with an underscore": b"transfer_encoding: chunked\r\ncontent-length: %d\r\n",
    "an end of line without its first half": b"x-a: 1\ntransfer-encoding: chunked\r\ncontent-length: %d\r\n",
    "an end of line without its second half": b"x-a: 1\rtransfer-encoding: chunked\r\ncontent-length: %d\r\n",
    "a null": b"x-a: 1\x00\r\ntransfer-encoding: chunked\r\ncontent-length: %d\r\n",
}


"""%d is the length of all that follows; read as chunks, the body ends before the second request."""


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS.keys())
@pytest.mark.parametrize("start", [b"POST /v1/auth/login", b"GET /v1", b"POST /v1/search", b"GET /"])
def test_no_second_request_hides_in_the_body_of_a_first(plant: Plant, start: bytes, framing: bytes) -> None:
    """Two readers of one line must not see two ends of a body: nothing behind the first end is ever taken for a request."""
    framing = framing % len(BODY) if b"%" in framing else framing
    request = start + b" HTTP/1.1\r\nhost: node\r\n" + framing + b"\r\n" + BODY
    with attempt():
        answer = plant.raw(request + b"GET /v1/last HTTP/1.1\r\nhost: node\r\n" + CLOSE + b"\r\n")
        found = statuses(answer)
        assert b"/v1/smuggled" not in answer, answer[:600]
        assert max(found, default=400) < 500


@pytest.mark.parametrize(
    "chunks",
    [
        b"5;a=b\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"-1\r\n\r\n0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
        b"0\r\ncontent-length: 5\r\nauthorization: Bearer x\r\nhost: other\r\n\r\n",
        b"1\r\na\r\n" * 5000 + b"0\r\n\r\n",
    ],
    ids=range(10),
)
def test_no_way_of_cutting_a_body_makes_a_node_stumble(plant: Plant, chunks: bytes) -> None:
    head = b"POST /v1/auth/login HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n" + CLOSE
    with attempt():
        found = statuses(plant.raw(head + b"transfer-encoding: chunked\r\n\r\n" + chunks))
        assert len(found) <= 1
        assert all(400 <= status < 500 for status in found)


HOSTS = [
    b"host: evil.example\r\n",
    b"host: node\r\nhost: evil.example\r\n",
    b"host: node\r\nx-forwarded-host: evil.example\r\n",
    b"host: node\r\nforwarded: host=evil.example\r\n",
    b"host: node\r\nx-forwarded-proto: https\r\nx-forwarded-server: evil.example\r\n",
    b"host: evil.example:99999999\r\n",
    b"host: \r\n",
    b"",
    b"host: node@evil.example\r\n",
    b"host: <script>alert(1)</script>\r\n",
]


@pytest.mark.parametrize("host", HOSTS, ids=range(len(HOSTS)))
def test_no_answer_repeats_the_host_that_a_request_names(plant: Plant, host: bytes) -> None:
    token = plant.person("operator").headers["authorization"].encode()
    for start in (
        b"GET /",
        b"GET /v1",
        b"GET /v1/nowhere",
        b"GET /v1/documents/",
        b"GET http://evil.example/v1",
        b"GET /api/v1/",
    ):
        with attempt():
            answer = plant.raw(start + b" HTTP/1.1\r\n" + host + b"authorization: " + token + b"\r\n" + CLOSE + b"\r\n")
            assert b"evil.example" not in answer
            assert b"<script>alert" not in answer
            assert b"\r\nlocation:" not in answer.lower()


@pytest.mark.parametrize(
    "header",
    [
        {"x-http-method-override": "DELETE"},
        {"x-http-method": "DELETE"},
        {"x-method-override": "DELETE"},
        {"_method": "DELETE"},
    ],
    ids=str,
)
def test_a_method_is_the_one_of_the_first_line(plant: Plant, header: dict[str, str]) -> None:
    operator = plant.person("operator")
    document = operator.get("/v1/documents").json()["items"][0]["document_id"]
    for method in ("GET", "POST"):
        with attempt():
            operator.request(method, f"/v1/documents/{document}", headers=header, params={"_method": "DELETE"})
            assert operator.get(f"/v1/documents/{document}").status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND", "get", "GETX", "PRI"])
def test_a_method_that_shows_a_request_back_is_not_taken(plant: Plant, method: str) -> None:
    token = plant.person("operator").headers["authorization"]
    with attempt():
        head = f"{method} /v1/auth/me HTTP/1.1\r\nhost: node\r\nauthorization: {token}\r\nconnection: close\r\n\r\n"
        answer = plant.raw(head.encode())
        assert token.encode() not in answer
        assert all(400 <= status < 500 for status in statuses(answer))


BREAKS = ["\r\n", "\n", "\r", "\u0085", "\u2028", "%0d%0a", "\\r\\n", "\u560a", "\u560d\u560a"]


@pytest.mark.parametrize("cut", BREAKS, ids=range(len(BREAKS)))
def test_nothing_that_a_person_writes_splits_a_response(plant: Plant, cut: str) -> None:
    text = f"a{cut}x-evil: 1{cut}{cut}<html>"
    operator = plant.person("operator")
    with attempt(3):
        for response in (
            operator.post("/v1/conversations", json={"title": text}),
            operator.get("/v1/documents", params={"q": text}),
            operator.post("/v1/chat", json={"message": text, "stream": True}),
        ):
            assert "x-evil" not in response.headers
            assert response.status_code < 500
            assert not any("evil" in value for value in response.headers.values())


def squeezed(kind: str, plain: bytes) -> bytes:
    return gzip.compress(plain) if kind == "gzip" else zlib.compress(plain, 9)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip"])
def test_a_body_that_is_squeezed_is_not_blown_up(plant: Plant, kind: str) -> None:
    """20 KB that would be 20 MB: the body is taken as it is, which is no JSON and no form."""
    import psutil

    web = psutil.Process(plant.node.pids()["web"])
    bomb = squeezed("gzip" if "gzip" in kind else kind, b'{"query": "' + b"a" * (20 * 2**20) + b'"}')
    before = web.memory_info().rss
    operator = plant.person("operator")
    for path, content_type in (
        ("/v1/search", "application/json"),
        ("/v1/documents/upload", "multipart/form-data; boundary=x"),
    ):
        with attempt():
            headers = {"content-encoding": kind, "content-type": content_type}
            assert operator.post(path, content=bomb, headers=headers).status_code in {400, 413, 415}
    assert web.memory_info().rss - before < 15 * 2**20


@pytest.mark.parametrize(
    "line",
    [
        b"GET /v1/auth/me",
        b"GET /v1/auth/me HTTP/0.9",
        b"GET /v1/auth/me HTTP/1.1 HTTP/1.1",
        b"GET\t/v1/auth/me\tHTTP/1.1",
        b"GET  /v1/auth/me HTTP/1.1",
        b"GET /v1/auth/me HTTP/1.1\x00",
        b"GET /v1/auth\x00/me HTTP/1.1",
        b"GET /v1/auth/me#x HTTP/1.1",
        b"GET http://node/v1/auth/me HTTP/1.1",
        b"GET //node/v1/auth/me HTTP/1.1",
        b"GET /v1/../v1/auth/me HTTP/1.1",
        b"GET /%76%31/auth/me HTTP/1.1",
        b"GET /v1/auth/%6d%65 HTTP/1.1",
        b"GET /V1/AUTH/ME HTTP/1.1",
        b"GET /v1/auth/me%20 HTTP/1.1",
        b"GET \\v1\\auth\\me HTTP/1.1",
        b"GET /metrics/../v1/auth/me HTTP/1.1",
        b"GET /health/live/../../v1/auth/me HTTP/1.1",
        b"GET /v1/auth/login/../me HTTP/1.1",
        b"GET /health/live;/v1/auth/me HTTP/1.1",
    ],
    ids=range(20),
)
def test_no_first_line_gets_past_the_sign_in(plant: Plant, line: bytes) -> None:
    with attempt():
        answer = plant.raw(line + b"\r\nhost: node\r\n" + CLOSE + b"\r\n")
        assert b'"clearance"' not in answer
        assert all(status < 500 for status in statuses(answer))


def test_the_node_lives_on(plant: Plant) -> None:
    answer = plant.person("viewer").post("/v1/search", json={"query": "P-101A"}).raise_for_status()

    assert json.loads(answer.text)["results"]

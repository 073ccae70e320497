"""A secret that was committed is found before it leaves the house (SECU-20, SECU-21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.secret_scan import SHAPES, files, found_in, scan

pytestmark = pytest.mark.one_try

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
PLANTED = {
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + BODY,
    "a cloud key": "aws = AKIA" + "IOSFODNN7REALKEY",
    "a token of a code host": "gh" + "p_" + "a1B2" * 9,
    "a token of a package index": "npm" + "_" + "a1B2" * 9,
    "a key of a model service": 'key = "sk' + "-proj-" + "a1B2" * 12 + '"',
    "a chat token": "xox" + "b-" + "1234567890-abcdefghij",
    "a signed token": ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0", "a1B2" * 10]),
    "a password in an address": "postgresql://" + "outpost:Gr1ndstone99@db.plant.example/outpost",
    "a recovery key": "-".join(["7Q2M"] * 7),
}


@pytest.mark.parametrize("kind", [kind for kind, _ in SHAPES])
def test_each_shape_is_found_with_its_line(kind: str) -> None:
    assert list(found_in(f"first line\n{PLANTED[kind]}\n")) == [(2, kind)]


@pytest.mark.parametrize(
    "fine",
    [
        "postgresql://outpost@localhost/outpost",
        "postgresql://user:{password}@host/db",
        "-----BEGIN PRIVATE KEY-----",
        "the key of the documentation, AKIAIOSFODNN7EXAMPLE",
        "P-101A-0417-47NM",
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "0198f2a4-7c1e-7d3a-9b2f-5e6d7c8b9a01",
    ],
)
def test_what_only_looks_like_one_is_left_alone(fine: str) -> None:
    assert not list(found_in(fine))


def test_a_file_that_nobody_has_committed_yet_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "new.env").write_text(PLANTED["a cloud key"])
    (tmp_path / "model.bin").write_bytes(b"\0" + PLANTED["a cloud key"].encode())

    assert scan([tmp_path / "new.env", tmp_path / "model.bin"]) == [f"{tmp_path}/new.env:1: a cloud key"]


def test_there_is_none_in_the_tree() -> None:
    assert len(files()) > 300
    assert scan(files()) == []

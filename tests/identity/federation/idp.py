"""A real OpenID provider on loopback, in a process of its own; PKCE is held to, and clients have to be registered.

`python -m tests.identity.federation.idp PORT` serves one. Whoever is named at its form is signed in: it stands for the
company's own page with password and second factor.
"""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from tests.node import ROOT, free_port

StartResponse = Callable[..., Any]
START_SECONDS = 30


class Pkce:
    """WSGI around the provider: a code is given out with a challenge, and redeemed by whoever knows what it is a hash of."""

    def __init__(self, app: Callable[[dict[str, Any], StartResponse], Iterable[bytes]]) -> None:
        self._app = app
        self._challenges: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        if environ["PATH_INFO"].endswith("/token"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            form = parse_qs(body.decode())
            challenge = self._challenges.pop(form.get("code", [""])[0], None)
            verifier = form.get("code_verifier", [""])[0].encode()
            made = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
            if "code" in form and challenge != made:
                start_response("400 BAD REQUEST", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant", "error_description": "code_verifier"}']
            return self._app(environ, start_response)

        def watched(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            location = dict(headers).get("Location", "")
            codes = parse_qs(urlsplit(location).query).get("code")
            if codes and query.get("code_challenge_method") == ["S256"]:
                self._challenges[codes[0]] = query.get("code_challenge", [""])[0]
            return start_response(status, headers, *rest)

        return self._app(environ, watched)


class Idp:
    """A provider that runs; `url` is its issuer."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.host = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.identity.federation.idp", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{self.url}/jwks", timeout=2).raise_for_status()
                return
            except httpx.HTTPError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def knows(self, sub: str, **claims: Any) -> None:
        """Somebody of the company, with these claims from now on."""
        httpx.put(f"{self.url}/users/{quote(sub, safe='')}", json=claims).raise_for_status()

    def revokes(self, sub: str) -> None:
        """Take back every token of somebody."""
        httpx.post(f"{self.url}/users/{quote(sub, safe='')}/revoke-tokens").raise_for_status()

    def register(self, redirect_uri: str) -> tuple[str, str]:
        """Id and secret of a new client."""
        answer = httpx.post(f"{self.url}/oauth2/clients", json={"redirect_uris": [redirect_uri]})
        body = answer.raise_for_status().json()
        return body["client_id"], body["client_secret"]

    def signs_in(self, authorization_url: str, sub: str) -> str:
        """What a person does at the provider's page; the address that the provider sends the browser back to."""
        assert httpx.get(authorization_url).status_code == 200
        answer = httpx.post(authorization_url, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]


@contextmanager
def running() -> Iterator[Idp]:
    idp = Idp()
    try:
        idp.start()
        yield idp
    finally:
        idp.stop()


def serve(port: int) -> None:
    import oidc_provider_mock
    from werkzeug.serving import make_server

    app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True)
    make_server("127.0.0.1", port, Pkce(app.wsgi_app), threaded=True).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))

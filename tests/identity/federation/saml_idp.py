"""A SAML identity provider on loopback: it reads the request that a browser brings, and answers with a form to post.

Responses are signed with minisignxml, which shares no code with what the appliance verifies them with.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
import secrets
import threading
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

with warnings.catch_warnings():
    # It imports a module of defusedxml that says it is old.
    warnings.simplefilter("ignore", DeprecationWarning)
    from minisignxml.sign import sign

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
ENTITY = "https://adfs.example.plant/adfs/services/trust"
_KEY = rsa.generate_private_key(65537, 2048)

Element = etree._Element


def certificate_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Self-signed and long over, as those of many providers are."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ADFS Signing")])
    begins = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(begins).not_valid_after(begins + dt.timedelta(days=365))
    return made.sign(key, SHA256())


@dataclass
class Said:
    """Everything that a response says; a test changes one thing."""

    request: str
    recipient: str
    audience: str
    now: dt.datetime
    name_id: str = "S-1-5-21-nora"
    issuer: str = ENTITY
    id: str = field(default_factory=lambda: "_" + secrets.token_hex(16))
    attributes: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"groups": ["plant-operators"], "username": ["Nora"], "displayName": ["Nora North"]}
    )
    begins: int = -60
    ends: int = 300
    confirmed_until: int = 300
    status: str = SUCCESS
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    name_format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    authenticated: int = -5
    context: str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    destination: str | None = None
    response_request: str | None = None

    def at(self, seconds: int) -> str:
        return (self.now + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class SamlIdp:
    def __init__(self, key: rsa.RSAPrivateKey = _KEY) -> None:
        self.key, self.certificate = key, certificate_of(key)
        self.pem = self.certificate.public_bytes(Encoding.PEM).decode()
        self.people: dict[str, Mapping[str, Sequence[str]]] = {}
        self.context = Said.context
        self.asks_anew = True
        self.url = ""
        self.host = ""

    # --- what it writes -------------------------------------------------------------------------------------------

    def assertion(self, said: Said) -> Element:
        """Not signed yet."""
        root = etree.Element(
            f"{{{SAML}}}Assertion", {"ID": said.id, "Version": "2.0", "IssueInstant": said.at(0)}, nsmap={"saml": SAML}
        )
        add(root, "Issuer", said.issuer)
        subject = add(root, "Subject")
        add(subject, "NameID", said.name_id, Format=said.name_format)
        confirmation = add(subject, "SubjectConfirmation", Method=said.method)
        add(
            confirmation, "SubjectConfirmationData", InResponseTo=said.request, Recipient=said.recipient,
            NotOnOrAfter=said.at(said.confirmed_until),
        )  # fmt: skip
        conditions = add(root, "Conditions", NotBefore=said.at(said.begins), NotOnOrAfter=said.at(said.ends))
        add(add(conditions, "AudienceRestriction"), "Audience", said.audience)
        statement = add(root, "AuthnStatement", AuthnInstant=said.at(said.authenticated), SessionIndex="_s1")
        add(add(statement, "AuthnContext"), "AuthnContextClassRef", said.context)
        attributes = add(root, "AttributeStatement")
        for name, values in said.attributes.items():
            attribute = add(attributes, "Attribute", Name=name)
            for value in values:
                add(attribute, "AttributeValue", value)
        return root

    def response(self, said: Said, *, signed: bool = True, whole: bool = False) -> Element:
        """A response with a signed assertion; `whole` signs the response around it too."""
        assertion = self.assertion(said)
        if signed:
            assertion = self.signed(assertion)
        root = etree.Element(
            f"{{{SAMLP}}}Response",
            {
                "ID": "_" + secrets.token_hex(16), "Version": "2.0", "IssueInstant": said.at(0),
                "Destination": said.destination or said.recipient, "InResponseTo": said.response_request or said.request,
            },
            nsmap={"samlp": SAMLP, "saml": SAML},
        )  # fmt: skip
        add(root, "Issuer", said.issuer)
        status = etree.SubElement(root, f"{{{SAMLP}}}Status")
        etree.SubElement(status, f"{{{SAMLP}}}StatusCode", {"Value": said.status})
        root.append(assertion)
        return self.signed(root) if whole else root

    def signed(self, element: Element) -> Element:
        """Right behind the issuer, where the schema wants the signature."""
        raw = sign(element=element, private_key=self.key, certificate=self.certificate, index=1)
        return etree.fromstring(raw)

    # --- what a browser meets ---------------------------------------------------------------------------------------

    def page(self, query: str) -> str:
        """The form that a browser posts back by itself, for the person that it was told to sign in."""
        asked = parse_qs(query)
        request = etree.fromstring(zlib.decompress(base64.b64decode(asked["SAMLRequest"][0]), -zlib.MAX_WBITS))
        who = asked.get("who", ["nora"])[0]
        issuer = request.findtext(f"{{{SAML}}}Issuer")
        acs = request.get("AssertionConsumerServiceURL")
        assert issuer
        assert acs
        # Somebody who signed in this morning is remembered, unless the request wants otherwise.
        anew = self.asks_anew and request.get("ForceAuthn") == "true"
        said = Said(
            request=request.get("ID", ""), recipient=acs, audience=issuer, now=dt.datetime.now(dt.UTC),
            name_id=f"S-1-5-21-{who}", attributes=self.people.get(who, {}),
            authenticated=-5 if anew else -14_400, context=self.context,
        )  # fmt: skip
        value = html.escape(encoded(self.response(said)))
        return (
            f'<!doctype html><body onload="document.forms[0].submit()"><form method="post" action="{html.escape(acs)}">'
            f'<input type="hidden" name="SAMLResponse" value="{value}"></form></body>'
        )


def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
    found = etree.SubElement(parent, f"{{{SAML}}}{name}", attributes)
    found.text = text
    return found


def encoded(root: Element | bytes) -> str:
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form goes, and what it holds."""
    action = re.search(r'action="([^"]+)"', page)
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page)
    assert action
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


def request_id(location: str) -> str:
    """Of the request that a browser is sent with."""
    packed = parse_qs(urlsplit(location).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS)).get("ID", "")


@contextmanager
def running() -> Iterator[SamlIdp]:
    idp = SamlIdp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = idp.page(urlsplit(self.path).query).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    idp.host = f"127.0.0.1:{server.server_port}"
    idp.url = f"http://{idp.host}/sso"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield idp
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

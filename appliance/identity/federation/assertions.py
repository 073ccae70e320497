"""Assertions of SAML 2.0, verified and read: no request is made and nothing stored here.

    bytes ─ size, no DTD ─ one Response, one Assertion, labels that are unique ─ the assertion's own signature by a pinned
    key ─> exactly the bytes that were signed, parsed anew ─> who, for whom, in answer to what, until when

What is read is what was signed: the verified element comes from the canonical bytes of the digest and has no link to the
rest of the document, so that nothing wrapped around it, hidden in it or put beside it is ever looked at. A document that
holds a second assertion anywhere is refused before that. Signatures are verified by signxml. A certificate is pinned by
the plant's admin, so its own dates and issuer mean nothing here; SHA-1 is refused.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from appliance.identity.federation.errors import OutsideRefused

MOST_BYTES: Final = 256 * 1024
SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
MOST_VALUES: Final = 2000
_SIGNATURES: Final = frozenset(
    SignatureMethod[f"{family}_SHA{bits}"] for family in ("RSA", "ECDSA") for bits in (256, 384, 512)
) | frozenset(SignatureMethod[f"SHA{bits}_RSA_MGF1"] for bits in (256, 384, 512))
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_TRANSFORMS: Final = frozenset(
    {
        f"{DSIG}enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    }
)
_CONDITIONS: Final = frozenset(
    {f"{{{SAML}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")}
)

Element = etree._Element


@dataclass(frozen=True, slots=True)
class Expected:
    """What an assertion must be meant for: us, at our address, by this provider."""

    issuer: str
    audience: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """What was signed, and is in force.

    Attributes:
        good_until: when nobody would take it any more.
        authenticated_at: when the provider had them show who they are (`AuthnInstant`).
        context: how, as the URI of a class; empty where it does not say (`AuthnContextClassRef`).
    """

    id: str
    name_id: str
    in_response_to: str
    issued_at: dt.datetime
    good_until: dt.datetime
    authenticated_at: dt.datetime
    context: str
    attributes: dict[str, list[str]]


def accepted(
    encoded: str,
    expected: Expected,
    certificates: Sequence[x509.Certificate],
    *,
    now: dt.datetime,
    leeway: dt.timedelta,
) -> Assertion:
    """The assertion of a response as a browser posts it (HTTP-POST binding).

    Raises:
        OutsideRefused: `why` says what does not fit.
    """
    root = _parsed(encoded)
    _check_response(root, expected)
    return _read(_signed(root, certificates), expected, now=now, leeway=leeway)


def _parsed(encoded: str) -> Element:
    if len(encoded) > MOST_BYTES * 4 // 3 + 4:
        raise OutsideRefused("a response that is too large")
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(raw, parser)
    except (binascii.Error, ValueError, etree.XMLSyntaxError):
        raise OutsideRefused("no XML") from None
    if root.getroottree().docinfo.internalDTD is not None or any(True for _ in root.iter(etree.Entity)):
        raise OutsideRefused("a document type or an entity")
    return root


def _check_response(root: Element, expected: Expected) -> None:
    """The shape of the document, and what it says outside of what is signed: enough to refuse, never to accept."""
    if root.tag != f"{{{SAMLP}}}Response":
        raise OutsideRefused("no response")
    labels = [one.get("ID") for one in root.iter(etree.Element) if one.get("ID") is not None]
    if len(set(labels)) != len(labels):
        raise OutsideRefused("a label twice")
    everywhere, own = list(root.iter(f"{{{SAML}}}Assertion")), root.findall(f"{{{SAML}}}Assertion")
    if len(everywhere) != 1 or len(own) != 1:
        raise OutsideRefused("not exactly one assertion")
    places = {one.getparent() for one in root.iter(f"{{{DSIG}}}Signature")}
    if not places <= {root, own[0]}:
        raise OutsideRefused("a signature where none belongs")
    status = root.find(f"{{{SAMLP}}}Status/{{{SAMLP}}}StatusCode")
    if status is None or status.get("Value") != SUCCESS:
        raise OutsideRefused("refused by the provider")
    issuer = root.find(f"{{{SAML}}}Issuer")
    if issuer is not None and _text(issuer) != expected.issuer:
        raise OutsideRefused("another issuer")
    if root.get("Destination", expected.recipient) != expected.recipient:
        raise OutsideRefused("another destination")


def _signed(root: Element, certificates: Sequence[x509.Certificate]) -> Element:
    """The assertion as it was signed, out of the bytes that the signature is over."""
    own = root.find(f"{{{SAML}}}Assertion")
    signatures = [] if own is None else own.findall(f"{{{DSIG}}}Signature")
    if own is None or len(signatures) != 1:
        raise OutsideRefused("an assertion without a signature of its own")
    _check_signature(signatures[0], own.get("ID") or "")
    document = etree.tostring(root)
    for certificate in certificates:
        found = _verified(document, certificate)
        if found is not None:
            if found.tag != own.tag or found.get("ID") != own.get("ID"):
                raise OutsideRefused("something else was signed")
            return found
    raise OutsideRefused("signature")


def _check_signature(signature: Element, label: str) -> None:
    """One reference, to the assertion that it stands in, by the transforms that SAML allows (Core, 5.4)."""
    references = signature.findall(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    if not label or len(references) != 1 or references[0].get("URI") != f"#{label}":
        raise OutsideRefused("a signature over something else")
    transforms = references[0].findall(f"{{{DSIG}}}Transforms/{{{DSIG}}}Transform")
    if (
        not {one.get("Algorithm") for one in transforms} <= _TRANSFORMS
        or signature.find(f"{{{DSIG}}}Object") is not None
    ):
        raise OutsideRefused("a signature of another shape")


def _verified(document: bytes, certificate: x509.Certificate) -> Element | None:
    expected = SignatureConfiguration(
        location=f"./{{{SAML}}}Assertion/",
        expect_references=1,
        signature_methods=_SIGNATURES,
        digest_algorithms=_DIGESTS,
        # The key is trusted because it was pinned. A plant's clock and a provider's forgotten renewal must lock nobody out.
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        result = XMLVerifier().verify(document, x509_cert=certificate, expect_config=expected, id_attribute="ID")
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, AttributeError, binascii.Error):
        return None
    return None if isinstance(result, list) else result.signed_xml


def _read(assertion: Element, expected: Expected, *, now: dt.datetime, leeway: dt.timedelta) -> Assertion:
    if assertion.get("Version") != "2.0" or _text(_one(assertion, "Issuer")) != expected.issuer:
        raise OutsideRefused("another issuer")
    issued_at = _moment(assertion.get("IssueInstant"))
    if issued_at > now + leeway:
        raise OutsideRefused("not in force yet")
    ends = _conditions(_one(assertion, "Conditions"), expected, now=now, leeway=leeway)
    subject = _one(assertion, "Subject")
    name = _one(subject, "NameID")
    if name.get("Format") == TRANSIENT:
        raise OutsideRefused("a name that changes each time")
    confirmed = [one for one in subject.findall(f"{{{SAML}}}SubjectConfirmation") if one.get("Method") == BEARER]
    in_response_to, confirmed_until = _confirmation(confirmed, expected, now=now, leeway=leeway)
    statement = _one(assertion, "AuthnStatement")
    session_ends = statement.get("SessionNotOnOrAfter")
    if session_ends is not None and _moment(session_ends) <= now - leeway:
        raise OutsideRefused("not in force any more")
    return Assertion(
        id=assertion.get("ID", ""),
        name_id=_text(name),
        in_response_to=in_response_to,
        issued_at=issued_at,
        good_until=max(ends, confirmed_until) + leeway,
        authenticated_at=_moment(statement.get("AuthnInstant")),
        context=_context(statement),
        attributes=_attributes(assertion),
    )


def _conditions(conditions: Element, expected: Expected, *, now: dt.datetime, leeway: dt.timedelta) -> dt.datetime:
    """Until when; every condition is one that we know, and there is an audience in each restriction that is us."""
    if not {one.tag for one in conditions.iterchildren(etree.Element)} <= _CONDITIONS:
        raise OutsideRefused("a condition that is not understood")
    begins, ends = conditions.get("NotBefore"), _moment(conditions.get("NotOnOrAfter"))
    if begins is not None and _moment(begins) > now + leeway:
        raise OutsideRefused("not in force yet")
    if ends <= now - leeway:
        raise OutsideRefused("not in force any more")
    restrictions = conditions.findall(f"{{{SAML}}}AudienceRestriction")
    audiences = [[_text(one) for one in restriction.findall(f"{{{SAML}}}Audience")] for restriction in restrictions]
    if not audiences or not all(expected.audience in several for several in audiences):
        raise OutsideRefused("another audience")
    return ends


def _confirmation(
    confirmed: Sequence[Element], expected: Expected, *, now: dt.datetime, leeway: dt.timedelta
) -> tuple[str, dt.datetime]:
    """The request that this answers, and until when (SAML Profiles, 4.1.4.2). An answer that nobody asked for is none."""
    for one in confirmed:
        data = one.find(f"{{{SAML}}}SubjectConfirmationData")
        if data is None or data.get("Recipient") != expected.recipient or data.get("NotBefore") is not None:
            continue
        ends, request = _moment(data.get("NotOnOrAfter")), data.get("InResponseTo")
        if request and ends > now - leeway:
            return request, ends
    raise OutsideRefused("not meant for this address, this time or any request of ours")


def _context(statement: Element) -> str:
    found = statement.findall(f"{{{SAML}}}AuthnContext/{{{SAML}}}AuthnContextClassRef")
    return _text(found[0]) if len(found) == 1 else ""


def _attributes(assertion: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    count = 0
    for attribute in assertion.findall(f"{{{SAML}}}AttributeStatement/{{{SAML}}}Attribute"):
        for value in attribute.findall(f"{{{SAML}}}AttributeValue"):
            count += 1
            if count > MOST_VALUES:
                raise OutsideRefused("too many attributes")
            found.setdefault(attribute.get("Name", ""), []).append(_text(value))
    return found


def _one(parent: Element, name: str) -> Element:
    found = parent.findall(f"{{{SAML}}}{name}")
    if len(found) != 1:
        raise OutsideRefused(f"not exactly one {name}")
    return found[0]


def _text(element: Element) -> str:
    """The whole text of an element that holds nothing else: a comment in it would cut a name in two."""
    if len(element):
        raise OutsideRefused("something within a text")
    return (element.text or "").strip()


def _moment(text: str | None) -> dt.datetime:
    """An instant of SAML: xs:dateTime in UTC."""
    try:
        found = dt.datetime.fromisoformat(text or "")
    except ValueError:
        raise OutsideRefused("a time of another shape") from None
    if found.tzinfo is None:
        raise OutsideRefused("a time of another shape")
    return found.astimezone(dt.UTC)

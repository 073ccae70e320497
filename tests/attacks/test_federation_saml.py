"""Attacks on SAML responses. The signature wrappings are those of Somorovsky et al., "On Breaking SAML" (USENIX 2012).

Each wrapping begins with a response that is validly signed, for Nora, and tries to be Ada, who is an admin.
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from appliance.identity.federation import assertions
from appliance.identity.federation.assertions import MOST_BYTES, Expected
from appliance.identity.federation.errors import OutsideRefused
from appliance.store import Store, Tenant
from tests.identity.federation.company import GROUPS
from tests.identity.federation.saml_idp import (
    ENTITY,
    SAML,
    SAMLP,
    Element,
    Said,
    SamlIdp,
    certificate_of,
    encoded,
    request_id,
)
from tests.identity.federation.web import URL, FederatedWeb, comes_back, web

pytestmark = pytest.mark.one_try

IDP = SamlIdp()
NOW = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
ACS, AUDIENCE = f"{URL}/v1/auth/saml/north/acs", f"{URL}/v1/auth/saml/north/metadata"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
OBJECT = "{http://www.w3.org/2000/09/xmldsig#}Object"
ASSERTION = f"{{{SAML}}}Assertion"
LEEWAY = dt.timedelta(seconds=30)


def said(**changed: Any) -> Said:
    return replace(Said(request="_request", recipient=ACS, audience=AUDIENCE, now=NOW), **changed)


def taken(response: Element | bytes | str, *, now: dt.datetime = NOW, idp: SamlIdp = IDP) -> assertions.Assertion:
    text = response if isinstance(response, str) else encoded(response)
    return assertions.accepted(text, Expected(ENTITY, AUDIENCE, ACS), [idp.certificate], now=now, leeway=LEEWAY)


def refused(response: Element | bytes | str, why: str | None = None, **told: Any) -> None:
    with pytest.raises(OutsideRefused) as error:
        taken(response, **told)
    if why is not None:
        assert error.value.why == why


def test_the_response_that_the_attacks_begin_with_is_taken() -> None:
    for whole in (False, True):
        found = taken(IDP.response(said(), whole=whole))
        assert (found.name_id, found.in_response_to) == ("S-1-5-21-nora", "_request")
        assert found.attributes["groups"] == ["plant-operators"]


# --- Wrapping ---------------------------------------------------------------------------------------------------------


def evil(original: Element, *, label: str = "_evil") -> Element:
    """A copy of the assertion, unsigned, that speaks of Ada."""
    made = copy.deepcopy(original)
    for signature in made.findall(SIGNATURE):
        made.remove(signature)
    made.set("ID", label)
    name = made.find(f".//{{{SAML}}}NameID")
    assert name is not None
    name.text = "S-1-5-21-ada"
    for value in made.iter(f"{{{SAML}}}AttributeValue"):
        value.text = "plant-admins" if value.text == "plant-operators" else value.text
    return made


def bare(original: Element) -> Element:
    made = copy.deepcopy(original)
    for signature in made.findall(SIGNATURE):
        made.remove(signature)
    return made


def own(root: Element) -> Element:
    found = root.find(ASSERTION)
    assert found is not None
    return found


def signature_of(element: Element) -> Element:
    found = element.find(SIGNATURE)
    assert found is not None
    return found


def xsw1(root: Element) -> Element:
    """The signed response lies inside the signature of an evil one."""
    made = copy.deepcopy(root)
    made.set("ID", "_evil-response")
    assertion = own(made)
    made.replace(assertion, evil(assertion))
    signature = signature_of(made)
    etree.SubElement(signature, OBJECT).append(bare(root))
    return made


def xsw2(root: Element) -> Element:
    """The signed response stands beside its detached signature in an evil one."""
    made = copy.deepcopy(root)
    made.set("ID", "_evil-response")
    assertion = own(made)
    made.replace(assertion, evil(assertion))
    signature_of(made).addprevious(bare(root))
    return made


def xsw3(root: Element) -> Element:
    """The evil assertion stands before the signed one."""
    own(root).addprevious(evil(own(root)))
    return root


def xsw4(root: Element) -> Element:
    """The signed assertion lies inside the evil one."""
    original = own(root)
    wrapper = evil(original)
    root.replace(original, wrapper)
    wrapper.append(original)
    return root


def xsw5(root: Element) -> Element:
    """The signed assertion is made evil and keeps its signature; what was signed stands behind it."""
    original = own(root)
    wrapper = evil(original)
    wrapper.insert(1, copy.deepcopy(signature_of(original)))
    root.replace(original, wrapper)
    root.append(bare(original))
    return root


def xsw6(root: Element) -> Element:
    """As before, but what was signed lies inside the signature."""
    original = own(root)
    wrapper = evil(original)
    signature = copy.deepcopy(signature_of(original))
    wrapper.insert(1, signature)
    root.replace(original, wrapper)
    signature.append(bare(original))
    return root


def xsw7(root: Element) -> Element:
    """An evil assertion with the same label lies among the extensions of the response."""
    original = own(root)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(evil(original, label=original.get("ID", "")))
    original.addprevious(extensions)
    return root


def xsw8(root: Element) -> Element:
    """What was signed lies in an object of the signature of the evil one, with the same label."""
    original = own(root)
    wrapper = evil(original, label=original.get("ID", ""))
    signature = copy.deepcopy(signature_of(original))
    wrapper.insert(1, signature)
    root.replace(original, wrapper)
    etree.SubElement(signature, OBJECT).append(bare(original))
    return root


WRAPPINGS = (xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8)


def wrapped_by(wrap: Callable[[Element], Element]) -> Element:
    """The first two move a response that is signed, the others an assertion."""
    return wrap(etree.fromstring(etree.tostring(IDP.response(said(), whole=wrap in {xsw1, xsw2}))))


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
def test_what_is_wrapped_around_a_signature_is_never_believed(wrap: Callable[[Element], Element]) -> None:
    wrapped = wrapped_by(wrap)
    assert b"S-1-5-21-ada" in etree.tostring(wrapped)

    refused(wrapped)


@pytest.mark.parametrize("wrap", WRAPPINGS[:6], ids=lambda wrap: wrap.__name__)
def test_the_wrappings_do_fool_who_verifies_one_thing_and_reads_another(wrap: Callable[[Element], Element]) -> None:
    """So that the tests beside this one try something: a good signature somewhere, and the first name in the document."""
    wrapped = wrapped_by(wrap)
    config = SignatureConfiguration(location=".//", verification_time=IDP.certificate.not_valid_before_utc)

    XMLVerifier().verify(
        etree.tostring(wrapped),
        x509_cert=IDP.certificate,
        expect_config=config,
        id_attribute="ID",
        validate_schema=False,
    )

    names = [
        wrapped.findtext(f".//{{{SAML}}}NameID"),
        wrapped.findtext(f"{ASSERTION}/{{{SAML}}}Subject/{{{SAML}}}NameID"),
    ]
    assert "S-1-5-21-ada" in names


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
def test_behind_the_first_door_the_verified_element_is_still_what_was_signed(
    wrap: Callable[[Element], Element], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every check of the document's shape taken away, the signature alone either refuses or gives Nora back."""
    monkeypatch.setattr(assertions, "_check_response", lambda *_: None)
    monkeypatch.setattr(assertions, "_check_signature", lambda *_: None)
    wrapped = wrapped_by(wrap)

    try:
        found = taken(wrapped)
    except OutsideRefused:
        return
    assert (found.name_id, found.attributes["groups"]) == ("S-1-5-21-nora", ["plant-operators"])


def test_a_signature_over_another_part_of_the_document_vouches_for_nothing() -> None:
    """The status is signed instead, by the provider's own key."""
    root = IDP.response(said(), signed=False)
    status = root.find(f"{{{SAMLP}}}Status")
    assert status is not None
    status.set("ID", "_status")
    signed = IDP.signed(copy.deepcopy(status))
    own(root).insert(1, signature_of(signed))

    refused(root, "a signature over something else")


def test_the_signature_of_the_response_alone_is_not_enough() -> None:
    refused(IDP.response(said(), signed=False, whole=True), "an assertion without a signature of its own")


def test_a_label_in_another_namespace_confuses_nobody() -> None:
    root = etree.fromstring(etree.tostring(IDP.response(said())))
    decoy = etree.SubElement(root, f"{{{SAMLP}}}Extensions", {"{urn:decoy}ID": own(root).get("ID", "")})
    decoy.append(evil(own(root)))

    refused(root)


# --- Unsigned, altered, of others ----------------------------------------------------------------------------------------


def test_an_unsigned_assertion_is_refused() -> None:
    refused(IDP.response(said(), signed=False), "an assertion without a signature of its own")


def test_an_assertion_whose_signature_was_taken_out_is_refused() -> None:
    root = IDP.response(said())
    own(root).remove(signature_of(own(root)))

    refused(root, "an assertion without a signature of its own")


def test_a_signature_by_another_key_is_refused_whatever_certificate_it_brings_along() -> None:
    thief = SamlIdp(rsa.generate_private_key(65537, 2048))
    thief.certificate = certificate_of(thief.key)

    refused(thief.response(said()), "signature")
    thief.certificate = IDP.certificate  # signs with the own key, and shows the provider's certificate
    refused(thief.response(said()), "signature")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("NameID", "S-1-5-21-ada"), ("Audience", AUDIENCE.replace("north", "south")), ("AttributeValue", "plant-admins"),
        ("Issuer", "https://other.example/"),
    ],
)  # fmt: skip
def test_one_changed_word_is_enough(path: str, text: str) -> None:
    root = IDP.response(said())
    found = own(root).find(f".//{{{SAML}}}{path}")
    assert found is not None
    found.text = text

    refused(root)


@pytest.mark.parametrize("algorithm", ["rsa-sha1", "hmac-sha1", "dsa-sha1", "rsa-md5", "none"])
def test_weak_and_shared_algorithms_are_refused(algorithm: str) -> None:
    root = IDP.response(said())
    method = own(root).find(f".//{SIGNATURE[:-9]}SignatureMethod")
    assert method is not None
    method.set("Algorithm", f"http://www.w3.org/2000/09/xmldsig#{algorithm}")

    refused(root)


@pytest.mark.parametrize(
    "transform", ["http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2000/09/xmldsig#base64"]
)  # fmt: skip
def test_transforms_that_run_something_are_refused(transform: str) -> None:
    root = IDP.response(said())
    found = own(root).find(f".//{SIGNATURE[:-9]}Transforms")
    assert found is not None
    etree.SubElement(found, f"{SIGNATURE[:-9]}Transform", {"Algorithm": transform})

    refused(root, "a signature of another shape")


def test_an_encrypted_assertion_is_refused_and_not_passed_over() -> None:
    root = IDP.response(said())
    root.replace(own(root), etree.Element(f"{{{SAML}}}EncryptedAssertion"))

    refused(root, "not exactly one assertion")


# --- Names cut in two --------------------------------------------------------------------------------------------------


def test_a_comment_in_a_name_does_not_cut_it_short() -> None:
    """`ada<!---->.thief` was signed for `ada.thief`; who reads up to the comment takes it for Ada."""
    root = IDP.response(said(name_id="ada.thief"))
    raw = etree.tostring(root).replace(b"ada.thief", b"ada<!-- -->.thief")

    try:
        found = taken(raw)
    except OutsideRefused:
        return
    assert found.name_id == "ada.thief"


@pytest.mark.parametrize("inside", [b"<!-- x -->", b"<?x y?>", b"<b/>", b"<![CDATA[]]>"], ids=range(4))
def test_anything_within_a_signed_name_is_refused_or_leaves_it_whole(inside: bytes) -> None:
    unsigned = etree.tostring(IDP.assertion(said(name_id="adaXthief"))).replace(
        b"adaXthief", b"ada" + inside + b"thief"
    )
    signed = IDP.signed(etree.fromstring(unsigned))
    root = IDP.response(said(), signed=False)
    root.replace(own(root), signed)

    try:
        found = taken(root)
    except OutsideRefused:
        return
    assert found.name_id == "adathief"


# --- Of another time, for another place -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ends": -31}, "not in force any more"),
        ({"begins": 31}, "not in force yet"),
        ({"confirmed_until": -31}, None),
        ({"audience": AUDIENCE.replace("north", "south")}, "another audience"),
        ({"recipient": ACS.replace("north", "south"), "destination": ACS}, None),
        ({"destination": "https://other.example/acs"}, "another destination"),
        ({"issuer": "https://other.example/"}, "another issuer"),
        ({"request": ""}, None),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "refused by the provider"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, None),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, None),
        ({"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "a name that changes each time"),
    ],
    ids=str,
)
def test_a_response_of_another_time_or_for_somebody_else_is_refused(change: dict[str, Any], why: str | None) -> None:
    refused(IDP.response(said(**change)), why)


@pytest.mark.parametrize("change", [{"ends": -29}, {"begins": 29}, {"confirmed_until": -29}], ids=str)
def test_half_a_minute_of_a_clock_is_forgiven(change: dict[str, Any]) -> None:
    assert taken(IDP.response(said(**change))).name_id


def test_a_response_is_not_taken_an_hour_later_or_by_a_clock_set_back() -> None:
    response = IDP.response(said())

    refused(response, now=NOW + dt.timedelta(hours=1))
    refused(response, now=NOW - dt.timedelta(hours=1))


# --- The parser -----------------------------------------------------------------------------------------------------------


def declared(doctype: str) -> bytes:
    return f"<?xml version='1.0'?>{doctype}".encode() + etree.tostring(IDP.response(said()))


BOMB = "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(10)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE r>", "<!DOCTYPE r SYSTEM 'http://127.0.0.1:1/evil.dtd'>", "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE r [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/p.dtd'> %p;]>", "<!DOCTYPE r [<!ATTLIST Response ID CDATA 'x'>]>", BOMB,
    ],
    ids=range(6),
)  # fmt: skip
def test_a_document_type_is_refused(doctype: str) -> None:
    refused(declared(doctype))


def test_a_document_type_in_another_encoding_is_refused() -> None:
    text = "<?xml version='1.0' encoding='UTF-16'?><!DOCTYPE r>" + etree.tostring(IDP.response(said())).decode()

    refused(text.encode("utf-16"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<",
        b"null",
        b"\x00" * 100,
        b"<a>" * 5000,
        b"<a/>",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        b"<a b='&lt;" + b"x" * MOST_BYTES + b"'/>",
    ],
    ids=range(8),
)
def test_what_is_no_response_is_refused(raw: bytes) -> None:
    refused(raw)


@pytest.mark.parametrize("text", ["", "***", "A", "é", "PGE+" + "=" * 9, "A" * 500_000], ids=range(6))
def test_what_is_no_base64_is_refused(text: str) -> None:
    refused(text)


def test_no_cut_or_flipped_byte_of_a_response_is_taken_for_another() -> None:
    raw = etree.tostring(IDP.response(said()))
    for place in range(0, len(raw), 37):
        for altered in (raw[:place], raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]):
            try:
                found = taken(base64.b64encode(altered).decode())
            except OutsideRefused:
                continue
            assert (found.name_id, found.attributes["groups"]) == ("S-1-5-21-nora", ["plant-operators"])


# --- The browser ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, other_tenant: Tenant) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, tenants=[tenant, other_tenant]) as node:
        for where in (tenant, other_tenant):
            settings = {
                "title": "Plant account", "issuer": ENTITY, "sso_url": "https://adfs.example.plant/adfs/ls/",
                "certificates": [IDP.pem], "groups": GROUPS, "allow_new": True,
            }  # fmt: skip
            await node.set_up(where, {"saml": settings})
        yield node


async def leaves(node: FederatedWeb, browser: httpx.AsyncClient, tenant: Tenant) -> str:
    return request_id(await node.leaves(browser, tenant, "saml"))


async def posted(node: FederatedWeb, response: Element, slug: str = "north") -> str:
    async with node.browser() as elsewhere:
        answer = await elsewhere.post(f"/v1/auth/saml/{slug}/acs", data={"SAMLResponse": encoded(response)})
    assert answer.status_code == 303
    location: str = answer.headers["location"]
    return location


def answers(request: str, **changed: Any) -> Said:
    return said(request=request, now=dt.datetime.now(dt.UTC), **changed)


async def test_an_assertion_is_taken_once(node: FederatedWeb, tenant: Tenant) -> None:
    async with node.browser() as nora:
        response = IDP.response(answers(await leaves(node, nora, tenant)))
        location = await posted(node, response)
        assert "/finish?ticket=" in location

        assert (await posted(node, response)).endswith("#refused=outside-refused")
        assert (await comes_back(nora, location))[0] == "arrived"
        assert await comes_back(nora, location) == ("refused", "outside-refused")


async def test_the_same_request_is_answered_once(node: FederatedWeb, tenant: Tenant) -> None:
    async with node.browser() as nora:
        request = await leaves(node, nora, tenant)
        first, second = [await posted(node, IDP.response(answers(request))) for _ in range(2)]

        assert (await comes_back(nora, first))[0] == "arrived"
        assert await comes_back(nora, second) == ("refused", "outside-refused")


async def test_a_response_to_a_request_of_another_browser_signs_nobody_in(node: FederatedWeb, tenant: Tenant) -> None:
    """Login CSRF: Mallory has a response of her own posted by Nora's browser."""
    async with node.browser() as mallory, node.browser() as nora:
        location = await posted(node, IDP.response(answers(await leaves(node, mallory, tenant))))

        assert await comes_back(nora, location) == ("refused", "outside-refused")
        assert await comes_back(mallory, location) == ("refused", "outside-refused")
        await leaves(node, nora, tenant)
        location = await posted(node, IDP.response(answers(await leaves(node, mallory, tenant))))
        assert await comes_back(nora, location) == ("refused", "outside-refused")


async def test_a_response_that_nobody_asked_for_signs_nobody_in(node: FederatedWeb, tenant: Tenant) -> None:
    async with node.browser() as nora:
        await leaves(node, nora, tenant)
        for request in ("_made-up", ""):
            location = await posted(node, IDP.response(answers(request)))
            told = await comes_back(nora, location) if "finish" in location else ("refused", "outside-refused")
            assert told == ("refused", "outside-refused")


async def test_a_response_for_one_plant_is_none_for_another(
    node: FederatedWeb, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with node.browser() as nora:
        request = await leaves(node, nora, other_tenant)

        assert (await posted(node, IDP.response(answers(request)), "south")).endswith("#refused=outside-refused")
        south = {"recipient": ACS.replace("north", "south"), "audience": AUDIENCE.replace("north", "south")}
        location = await posted(node, IDP.response(answers(request, **south)), "south")
        assert await comes_back(nora, location.replace("/saml/south/", "/saml/north/")) == (
            "refused",
            "outside-refused",
        )


async def test_a_response_too_large_or_of_another_shape_is_no_failure_of_ours(
    node: FederatedWeb, tenant: Tenant
) -> None:
    async with node.browser() as mallory:
        for body in ({}, {"SAMLResponse": ""}, {"SAMLResponse": "A" * 500_000}, {"SAMLResponse": ["a", "b"]}):
            answer = await mallory.post("/v1/auth/saml/north/acs", data=body)
            assert answer.status_code in {303, 400}
        assert (await mallory.post("/v1/auth/saml/north/acs", json={"SAMLResponse": "x"})).status_code in {
            303,
            400,
            415,
        }

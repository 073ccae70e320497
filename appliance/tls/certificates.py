"""Certificates: made for a plant without a network, and judged before they are served. Nothing here touches a file.

    authority   ECDSA P-256, 10 years, may only vouch for its plant: the names given, and private addresses
    leaf        ECDSA P-256, 397 days, for a server, with every name and address that people reach it by

Formats: X.509 (RFC 5280); names in subjectAltName only (RFC 9525); 397 days is what browsers take at most.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.tls.errors import BadName, CertificateRefused

CA_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEW_DAYS: Final = 60
"""An own leaf with fewer days left is made anew."""
WARN_DAYS: Final = 30
BACKDATED: Final = dt.timedelta(days=1)
"""A kiosk's clock may be behind the node's."""

_HOST: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_PRIVATE: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)

_KEYS: Final = "Have one issued for RSA of 2048 to 4096 bits, ECDSA P-256 or P-384, or Ed25519."

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Names:
    """What people reach a node by."""

    hosts: tuple[str, ...]
    addresses: tuple[IpAddress, ...]

    def words(self) -> list[str]:
        return [*self.hosts, *map(str, self.addresses)]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def names_of(words: Iterable[str]) -> Names:
    """Tell host names from addresses, each once, in the order given. Raises BadName."""
    hosts: dict[str, None] = {}
    addresses: dict[IpAddress, None] = {}
    for word in words:
        try:
            addresses[ipaddress.ip_address(word.strip("[]"))] = None
        except ValueError:
            host = word.lower().rstrip(".")
            # A name whose last part is a number would be an address to a browser.
            if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
                raise BadName(f"{word[:80]!r} is neither a host's name nor an address.") from None
            hosts[host] = None
    return Names(tuple(hosts), tuple(addresses))


def make_authority(plant: str, names: Names, now: dt.datetime) -> Pair:
    """An authority that can vouch for `names` and for private addresses, and for nothing else in the world."""
    key = ec.generate_private_key(ec.SECP256R1())
    allowed: list[x509.GeneralName] = [x509.DNSName(one) for one in names.hosts]
    allowed += [x509.IPAddress(ipaddress.ip_network(one)) for one in _PRIVATE]
    allowed += [x509.IPAddress(ipaddress.ip_network(one)) for one in names.addresses if not one.is_private]
    subject = _named(f"Outpost {plant[:40]} authority")
    certificate = (
        _begun(subject, subject, key, now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(allowed, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def make_leaf(authority: Pair, names: Names, now: dt.datetime) -> Pair:
    """A server's certificate for `names`, with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in names.hosts]
    alternatives += [x509.IPAddress(one) for one in names.addresses]
    issuer = authority.certificate
    certificate = (
        _begun(_named("Outpost"), issuer.subject, key, now, LEAF_DAYS - BACKDATED.days)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def names_in(certificate: x509.Certificate) -> Names:
    """The names and addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    addresses = found.get_values_for_type(x509.IPAddress)
    return Names(
        tuple(found.get_values_for_type(x509.DNSName)),
        tuple(one for one in addresses if isinstance(one, ipaddress.IPv4Address | ipaddress.IPv6Address)),
    )


def check(chain: Sequence[x509.Certificate], authority: x509.Certificate, wanted: Names, now: dt.datetime) -> None:
    """See that a client that trusts `authority` alone would take `chain`, leaf first, for every wanted name, now.

    Raises:
        CertificateRefused: it would not.
    """
    leaf = chain[0]
    if leaf.not_valid_after_utc <= now:
        raise CertificateRefused(f"It expired on {leaf.not_valid_after_utc:%Y-%m-%d}.")
    if leaf.not_valid_before_utc > now:
        raise CertificateRefused(f"It is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}, by this node's clock.")
    names = wanted if wanted.words() else names_in(leaf)
    if not names.words():
        raise CertificateRefused("It names no host and no address (subjectAltName).")
    builder = (
        verification.PolicyBuilder()
        .store(verification.Store([authority]))
        .time(now)
        # A plant's authority may leave out what public ones must have; dates, names and signatures are judged all the same.
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.permit_all().require_present(
                x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
            ),
            ee_policy=verification.ExtensionPolicy.webpki_defaults_ee(),
        )
    )
    subjects: list[x509.DNSName | x509.IPAddress] = [x509.DNSName(_spoken(one)) for one in names.hosts]
    subjects += [x509.IPAddress(one) for one in names.addresses]
    for subject in subjects:
        try:
            builder.build_server_verifier(subject).verify(leaf, list(chain[1:]))
        except verification.VerificationError as error:
            raise CertificateRefused(f"For {subject.value} it does not hold: {error}.") from None


def check_key(key: object) -> None:
    """See that the server can use a key; one that it cannot would end it at once (rustls knows no others).

    Raises:
        CertificateRefused: the kind of key is weak, or too rare.
    """
    match key:
        case rsa.RSAPrivateKey() if 2048 <= key.key_size <= 4096:
            return
        case ec.EllipticCurvePrivateKey() if isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
            return
        case ed25519.Ed25519PrivateKey():
            return
    raise CertificateRefused("A node cannot serve with this kind of key.", hint=_KEYS)


def ends(chain: Iterable[x509.Certificate], authority: x509.Certificate) -> dt.datetime:
    """When a client first turns away: the end of whichever ends first."""
    return min(one.not_valid_after_utc for one in (*chain, authority))


def days_left(end: dt.datetime, now: dt.datetime) -> int:
    """Whole days until then; 0 once it is over."""
    return max(0, (end - now).days)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, as browsers show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def _spoken(host: str) -> str:
    """A host that the certificate's own `*.plant.example` stands for."""
    return host.replace("*", "node", 1)


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip

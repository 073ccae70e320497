"""Where certificates stand: two sealed files in the data directory, each replaced whole or not at all.

    tls/node.sealed   what is served: the chain, its key, and the authority that a client must trust
    tls/ca.sealed     the own authority with its key, where the node has one

Both are sealed under a secret of the node, so that neither key lies on the disk in the clear.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.settings import has_certificate
from appliance.store.files import make_directory, write_durably
from appliance.store.sealing import seal, unseal
from appliance.tls import certificates as rules
from appliance.tls.certificates import Names, Pair
from appliance.tls.errors import CertificateDamaged, CertificateRefused, NoCertificate
from appliance.tls.required import FOLDER, SERVED

AUTHORITY: Final = "ca.sealed"
PURPOSE: Final = "tls"
"""Which secret of the node the files are sealed under."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a node shows to those who connect. `chain` begins with the leaf; `own` if the node's authority made it."""

    chain: tuple[x509.Certificate, ...]
    key: bytes
    authority: x509.Certificate
    own: bool

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def ends(self) -> dt.datetime:
        """When clients begin to turn away."""
        return rules.ends(self.chain, self.authority)

    def __repr__(self) -> str:
        return f"Served({rules.fingerprint(self.leaf)})"


class Place:
    """Args:
    key: 32 bytes that only this node has.
    """

    def __init__(self, data: Path, key: bytes) -> None:
        self._folder, self._key, self._plant = data / FOLDER, key, data.name

    def served(self) -> Served:
        """Raises NoCertificate, CertificateDamaged."""
        found = self._read(SERVED)
        if found is None:
            raise NoCertificate("Nothing is served over TLS here.")
        chain = tuple(x509.load_pem_x509_certificates(found["chain"].encode()))
        authority = x509.load_pem_x509_certificate(found["authority"].encode())
        return Served(chain, found["key"].encode(), authority, bool(found["own"]))

    def make(self, names: Names, now: dt.datetime, *, anew: bool = False) -> Served:
        """Make a leaf for `names` under the node's own authority, which is made first where there is none, or `anew`.

        Raises:
            CertificateRefused: the authority there is may not vouch for one of the names.
        """
        authority = None if anew or not has_certificate(self._folder.parent) else self._authority()
        if authority is None:
            authority = rules.make_authority(self._plant, names, now)
            # Its certificate counts once a leaf under it is served; until then it is made again.
            self._write(AUTHORITY, _pair(authority))
        return self._serve_own(authority, names, now)

    def renew(self, now: dt.datetime) -> Served | None:
        """Make the own leaf anew when it is near its end, or was made by a clock that ran ahead; None if all is well.

        Raises:
            NoCertificate, CertificateDamaged, CertificateRefused: the authority itself is over.
        """
        present = self.served()
        leaf = present.leaf
        near = rules.days_left(leaf.not_valid_after_utc, now) < rules.RENEW_DAYS
        if not present.own or not (near or leaf.not_valid_before_utc > now):
            return None
        authority = self._authority()
        if authority is None:
            return None
        return self._serve_own(authority, rules.names_in(present.leaf), now)

    def take(self, chain: bytes, key: bytes, authority: bytes, names: Names, now: dt.datetime) -> Served:
        """Serve the plant's certificate: PEM of the chain (leaf first), of its key, and of the authority to be trusted.

        Raises:
            CertificateRefused: they cannot be read, do not belong together, are out of date, or miss a name.
        """
        try:
            certificates = tuple(x509.load_pem_x509_certificates(chain))
            trusted = x509.load_pem_x509_certificate(authority)
            secret = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError) as error:
            what = "The key is locked by a passphrase" if isinstance(error, TypeError) else "One of the files is no PEM"
            raise CertificateRefused(f"{what}.", hint="Give PEM files, and a key without a passphrase.") from None
        public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        if certificates[0].public_key().public_bytes(*public) != secret.public_key().public_bytes(*public):
            raise CertificateRefused("The key is not the key of this certificate.")
        rules.check_key(secret)
        rules.check(certificates, trusted, names, now)
        content = secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._serve(Served(certificates, content, trusted, own=False))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _serve_own(self, authority: Pair, names: Names, now: dt.datetime) -> Served:
        leaf = rules.make_leaf(authority, names, now)
        rules.check([leaf.certificate], authority.certificate, names, now)
        return self._serve(Served((leaf.certificate,), rules.key_pem(leaf.key), authority.certificate, own=True))

    def _serve(self, made: Served) -> Served:
        content = {"chain": rules.pem(made.chain).decode(), "key": made.key.decode(), "own": made.own}
        self._write(SERVED, content | {"authority": rules.pem([made.authority]).decode()})
        return made

    def _authority(self) -> Pair | None:
        found = self._read(AUTHORITY)
        if found is None:
            return None
        key = serialization.load_pem_private_key(found["key"].encode(), password=None)
        certificate = x509.load_pem_x509_certificate(found["certificate"].encode())
        return Pair(certificate, cast("ec.EllipticCurvePrivateKey", key))

    def _read(self, name: str) -> dict[str, str] | None:
        try:
            sealed = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        content = unseal(self._key, name, sealed)
        if content is None:
            raise CertificateDamaged(f"{FOLDER}/{name} does not open with the keys of this node.")
        found: dict[str, str] = json.loads(content)
        return found

    def _write(self, name: str, content: object) -> None:
        make_directory(self._folder)
        write_durably(self._folder / name, seal(self._key, name, json.dumps(content).encode()))


def _pair(pair: Pair) -> dict[str, str]:
    return {"certificate": rules.pem([pair.certificate]).decode(), "key": rules.key_pem(pair.key).decode()}

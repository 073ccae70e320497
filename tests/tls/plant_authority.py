"""An authority of a plant, as its own people run one: not made by our code."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
BEGAN = NOW - dt.timedelta(days=300)


@dataclass(frozen=True)
class Files:
    certificate: Path
    key: Path
    authority: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        return self.certificate.read_bytes(), self.key.read_bytes(), self.authority.read_bytes()


class PlantAuthority:
    """A root and one authority between it and what it issues, with RSA keys, as many plants have."""

    def __init__(self) -> None:
        self._root_key, self._key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        self.root = self._made("Plant root", "Plant root", self._root_key, self._root_key, BEGAN, 3650, ca=True)
        self.between = self._made("Plant issuing", "Plant root", self._key, self._root_key, BEGAN, 1000, ca=True)

    def issue(
        self,
        folder: Path,
        *,
        hosts: Sequence[str] = ("node.plant.example",),
        addresses: Sequence[str] = ("127.0.0.1",),
        begins: dt.datetime = NOW,
        days: int = 90,
    ) -> Files:
        """Write certificate with chain, key (0600) and root."""
        key = rsa.generate_private_key(65537, 2048)
        leaf = self._made("node", "Plant issuing", key, self._key, begins, days, hosts=hosts, addresses=addresses)
        files = Files(folder / "node.crt", folder / "node.key", folder / "root.crt")
        files.certificate.write_bytes(b"".join(one.public_bytes(_PEM) for one in (leaf, self.between)))
        files.key.touch(mode=0o600)
        files.key.write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        files.authority.write_bytes(self.root.public_bytes(_PEM))
        return files

    def _made(
        self,
        subject: str,
        issuer: str,
        key: rsa.RSAPrivateKey,
        issuing: rsa.RSAPrivateKey,
        begins: dt.datetime,
        days: int,
        *,
        ca: bool = False,
        hosts: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.DNSName(one) for one in hosts]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins - dt.timedelta(hours=1))
            .not_valid_after(begins + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
        )
        if ca:
            usage = dict.fromkeys(
                (
                    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                    "encipher_only", "decipher_only",
                ),
                False,
            )  # fmt: skip
            builder = builder.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(issuing, hashes.SHA256())


_PEM = serialization.Encoding.PEM

"""What can be wrong with a certificate, or with having none."""

from __future__ import annotations

from appliance.errors import Conflict, Damaged, InvalidInput, NotFound, Unprocessable


class TlsRequired(Conflict):
    """The node is to be reached by others, and has no certificate."""

    code, title = "tls-required", "Others are served over TLS only"
    hint = "Run `outpost tls init`, or `outpost tls use` with the plant's certificate; or listen on 127.0.0.1."


class NoCertificate(NotFound):
    """The node serves no TLS."""

    code, title = "no-certificate", "This node has no certificate"
    hint = "`outpost tls init` makes one."


class BadName(InvalidInput):
    """Neither a host's name nor an address."""

    code, title = "bad-host-name", "That is no host name and no address"
    hint = "Names have letters, digits, hyphens and dots; addresses are written without a port."


class CertificateRefused(Unprocessable):
    """The certificate, its key and its authority do not go together, or do not fit this node."""

    code, title = "certificate-refused", "That certificate was not taken"
    hint = "Nothing was changed. Ask whoever issued it for a certificate that fits."


class CertificateDamaged(Damaged):
    """The stored certificate does not open with the keys of this node."""

    code, title = "certificate-damaged", "The stored certificate cannot be opened"
    hint = "Run `outpost tls init --new-ca`, or `outpost tls use` again; kiosks then need the new authority."

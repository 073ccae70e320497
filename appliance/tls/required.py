"""Whether people are served over TLS; told without a key, and without loading what makes certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.settings import Settings
from appliance.tls.errors import TlsRequired

FOLDER: Final = "tls"
SERVED: Final = "node.sealed"


def has_certificate(data: Path) -> bool:
    """Whether the node in `data` has a certificate: then it serves TLS, also on loopback."""
    return (data / FOLDER / SERVED).exists()


def require(settings: Settings) -> bool:
    """Whether people are served over TLS.

    Raises:
        TlsRequired: others can reach the address, and there is no certificate.
    """
    secure = has_certificate(settings.data)
    if settings.reachable and not secure:
        raise TlsRequired(f"{settings.host} can be reached by others, and this node has no certificate for TLS.")
    return secure

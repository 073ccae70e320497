"""Whether people are served over TLS; told without a key, and without loading what makes certificates."""

from __future__ import annotations

from typing import Final

from appliance.settings import CERTIFICATE, InvalidSetting, Settings
from appliance.tls.errors import TlsRequired

FOLDER: Final = CERTIFICATE.parent.name
SERVED: Final = CERTIFICATE.name


def require(settings: Settings) -> bool:
    """Whether people are served over TLS.

    Raises:
        TlsRequired: others can reach the address, and there is no certificate.
        InvalidSetting: people would be sent to an address in the clear, where nobody answers.
    """
    secure = settings.encrypted
    if settings.reachable and not secure:
        raise TlsRequired(f"{settings.host} can be reached by others, and this node has no certificate for TLS.")
    if secure and settings.public_url.startswith("http:"):
        raise InvalidSetting(
            f"public_url is {settings.public_url}, and this node serves TLS.", hint="Begin it with https://."
        )
    return secure

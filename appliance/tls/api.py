"""The authority that kiosks and browsers of the plant are to trust."""

from __future__ import annotations

from litestar import Controller, Response, get

from appliance.tls.certificates import pem
from appliance.tls.place import Place
from appliance.web import Injected


class TlsController(Controller):
    path = "/v1/tls"
    tags = ("Node",)

    @get("/ca", operation_id="tls_authority", media_type="application/x-pem-file", security=[])
    async def authority(self, certificates: Injected[Place]) -> Response[bytes]:
        """The certificate of the authority, as PEM. Compare its fingerprint with the one that `outpost tls show` prints."""
        return Response(pem([certificates.served().authority]))


ROUTES = [TlsController]

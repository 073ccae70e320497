"""The composition root: the only place that knows the role, picks adapters and builds services.

    foundation   store, record, policy, gate: what every process of the appliance stands on
    web          + people, documents, search, answers, chat  ->  the ASGI application and its two doors
    worker       + the handlers of jobs

Everything is opened in order and closed in the opposite one, also when opening fails half way.
"""

from appliance.compose.foundation import Foundation, foundation
from appliance.compose.web import described_application, web
from appliance.compose.worker import worker

__all__ = ["Foundation", "described_application", "foundation", "web", "worker"]

from __future__ import annotations

import pytest

from appliance.policy import PolicyEngine


@pytest.fixture(scope="session")
def engine() -> PolicyEngine:
    """The pack of this release."""
    return PolicyEngine()

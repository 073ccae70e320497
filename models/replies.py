"""What a model server's refusal means to its client."""

import json
from collections.abc import Mapping
from typing import Any

from models.errors import ModelBusy, ModelRefused, ModelUnavailable


def raise_for(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Nothing for a 200. Raises ModelBusy (429), ModelUnavailable (5xx) or ModelRefused (the rest)."""
    if status == 200:
        return
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    raise failure(status, error if isinstance(error, dict) else {}, headers.get("retry-after", ""))


def failure(status: int, error: Mapping[str, Any], retry_after: str = "") -> ModelUnavailable | ModelRefused:
    """The exception for an error in OpenAI's shape."""
    message = str(error.get("message", "no reason given"))
    if status == 429:
        wait = float(retry_after) if retry_after.isdigit() else 1.0
        return ModelBusy(f"the model server has too much to do: {message}", retry_after=wait)
    if status >= 500:
        return ModelUnavailable(f"the model server answered {status}: {message}")
    return ModelRefused(message, status=status, code=str(error.get("code", "unknown")))

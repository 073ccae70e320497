"""Answers: a question becomes a verbatim quote with its source, or a plain "not in these documents"."""

from __future__ import annotations

from appliance.answers.service import Answers
from appliance.answers.values import Answer, Citation, Passages, Verdict

__all__ = ["Answer", "Answers", "Citation", "Passages", "Verdict"]

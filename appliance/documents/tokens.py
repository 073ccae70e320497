"""How many tokens a text costs the embedder."""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import Tokenizer

from appliance.documents.ports import CountTokens

_PIECES = re.compile(r"\w{1,4}|[^\w\s]")


def estimated_tokens(text: str) -> int:
    """More than any English WordPiece tokenizer makes of ordinary text; for use where no tokenizer is installed."""
    return len(_PIECES.findall(text))


def token_counter(tokenizer: Path) -> CountTokens:
    """Counts by the embedder's own `tokenizer.json`; by the estimate where the package is not installed."""
    if not tokenizer.exists():
        return estimated_tokens
    loaded = Tokenizer.from_file(str(tokenizer))
    loaded.no_truncation()
    loaded.no_padding()

    def count(text: str) -> int:
        return len(loaded.encode(text, add_special_tokens=False).ids)

    return count

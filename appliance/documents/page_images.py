"""Pictures of pages that were shown lately, so that stepping back and forth does not draw them again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST_BYTES = 16 * 1024 * 1024


class PageImages:
    """The latest pictures, at most `most` bytes of them. Whoever asks has been admitted to the document before."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Any, bytes] = OrderedDict()

    def get(self, key: Any) -> bytes | None:
        image = self._kept.get(key)
        if image is not None:
            self._kept.move_to_end(key)
        return image

    def put(self, key: Any, image: bytes) -> None:
        if len(image) > self._most or key in self._kept:
            return
        self._kept[key] = image
        self._size += len(image)
        while self._size > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)

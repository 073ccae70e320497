"""Text that remembers where on the page it stands, through cutting and joining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from appliance.documents.blocks import Block
from appliance.documents.values import Line


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text and the lines it covers; `page` is kept for text without lines."""

    text: str
    lines: tuple[Line, ...] = ()
    page: int | None = None

    @classmethod
    def of_block(cls, block: Block) -> Stretch:
        return cls(block.text, block.lines, block.page)

    @classmethod
    def join(cls, separator: str, parts: Sequence[Stretch]) -> Stretch:
        """All parts in order; no parts make an empty stretch."""
        lines: list[Line] = []
        offset = 0
        for part in parts:
            lines += (
                replace(line, text_start=line.text_start + offset, text_end=line.text_end + offset)
                for line in part.lines
            )
            offset += len(part.text) + len(separator)
        page = next((part.page for part in parts if part.page is not None), None)
        return cls(separator.join(part.text for part in parts), tuple(lines), page)

    def slice(self, start: int, end: int) -> Stretch:
        """The text from `start` to `end` with the lines it touches. A line's box stays whole: it is not known finer."""
        lines = tuple(
            replace(line, text_start=max(0, line.text_start - start), text_end=min(end, line.text_end) - start)
            for line in self.lines
            if line.text_start < end and line.text_end > start
        )
        return Stretch(self.text[start:end], lines, self.page)

    def split(self, separator: str) -> list[Stretch]:
        parts: list[Stretch] = []
        start = 0
        for part in self.text.split(separator):
            parts.append(self.slice(start, start + len(part)))
            start += len(part) + len(separator)
        return parts

    def words(self, count: int) -> Iterator[Stretch]:
        """Groups of `count` words."""
        places: list[tuple[int, int]] = []
        start: int | None = None
        for index, character in enumerate(self.text):
            if character.isspace():
                if start is not None:
                    places.append((start, index))
                    start = None
            elif start is None:
                start = index
        if start is not None:
            places.append((start, len(self.text)))
        for first in range(0, len(places), count):
            group = places[first : first + count]
            yield self.slice(group[0][0], group[-1][1])

    def characters(self, count: int) -> Iterator[Stretch]:
        """Pieces of `count` characters."""
        for start in range(0, len(self.text), count):
            yield self.slice(start, min(len(self.text), start + count))

    def stripped(self) -> Stretch:
        """Without white space at either end."""
        start = len(self.text) - len(self.text.lstrip())
        end = len(self.text.rstrip())
        return self.slice(start, end) if end > start else Stretch("", (), self.page)

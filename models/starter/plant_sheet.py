"""A passage being written, with the places of the facts it holds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fact:
    """Questions that the characters `start` to `end` answer; `{of}` in them may become " of P-204B" or nothing."""

    asks: tuple[str, ...]
    start: int
    end: int


@dataclass(slots=True)
class Sheet:
    """`absent` are questions that look answerable here and are not."""

    text: str = ""
    facts: list[Fact] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.text += text

    def mark(self, text: str) -> tuple[int, int]:
        start = len(self.text)
        self.text += text
        return start, len(self.text)

    def tell(self, before: str, value: str, after: str, *asks: str) -> None:
        """Write `before value after` and remember that `value` answers `asks`."""
        self.say(before)
        start, end = self.mark(value)
        self.say(after)
        if asks:
            self.facts.append(Fact(asks, start, end))

    def under(self, heading: str) -> "Sheet":
        """The same sheet below a heading."""
        shift = len(heading)
        moved = [Fact(fact.asks, fact.start + shift, fact.end + shift) for fact in self.facts]
        return Sheet(heading + self.text, moved, self.absent)

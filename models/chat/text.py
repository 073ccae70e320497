"""From tokens' bytes to text that may be shown: whole characters only, and nothing of a stop string."""

import codecs
from collections.abc import Sequence


class Text:
    """The text of one answer as it grows. A character split between tokens waits for its rest; one that never comes is left out."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._stops = [stop for stop in stops if stop]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False

    def feed(self, piece: bytes) -> str:
        """What may be shown now. Sets `stopped` when a stop string is complete; the text ends before it.

        The stop string that is complete first wins, and of two that end together the longer: how the text was cut
        into pieces makes no difference.
        """
        fresh = self._decoder.decode(piece)
        if self.stopped:
            return ""
        seen = len(self._held)
        self._held += fresh
        for end in range(seen + 1, len(self._held) + 1):
            found = [len(stop) for stop in self._stops if self._held.endswith(stop, 0, end)]
            if found:
                self.stopped = True
                shown, self._held = self._held[: end - max(found)], ""
                return shown
        return self._release(self._waiting())

    def end(self) -> str:
        """What was held back because a stop string might have begun there."""
        return self._release(0)

    def _waiting(self) -> int:
        """How many of the last characters may be the beginning of a stop string."""
        return max((n for stop in self._stops for n in range(1, len(stop)) if self._held.endswith(stop[:n])), default=0)

    def _release(self, keep: int) -> str:
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

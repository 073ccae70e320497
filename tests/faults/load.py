"""People at work while the power fails: asks, uploads, ratings, and a ledger of everything the node acknowledged."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

import httpx

from tests.node import RunningNode

QUESTIONS = (
    "What is the tightening torque of the M10 bolts?",
    "Which lubricant does the filler use?",
    "How do I lock out the pump?",
    "What does alarm E-0417 mean?",
    "What is the air pressure of the compressor on the moon?",
)


@dataclass
class Ledger:
    """What a client was told is done. Written after the answer came, so it never claims more than the node did."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    refused: int = 0

    def __len__(self) -> int:
        return len(self.messages) + len(self.documents) + len(self.feedback)


class Person(threading.Thread):
    """One signed-in operator working until told to stop. A broken connection is no acknowledgement."""

    def __init__(self, node: RunningNode, ledger: Ledger, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._ledger = ledger
        self._random = random.Random(seed)
        self._stop_asked = stop
        self._number = 0
        self._seed = seed
        # Signed in once, before anything is killed: tokens outlive the processes, and signing in is limited.
        self._client = node.sign_in("operator")

    def run(self) -> None:
        with self._client as client:
            while not self._stop_asked.is_set():
                try:
                    self._do_something(client)
                except httpx.HTTPError:
                    self._ledger.refused += 1
                    self._stop_asked.wait(0.1)

    def _do_something(self, client: httpx.Client) -> None:
        self._number += 1
        if self._random.random() < 0.25:
            text = (
                f"# Note {self._seed}-{self._number}\n\nThe valve V-{self._number} was checked by shift {self._seed}.\n"
            )
            file = (f"note-{self._seed}-{self._number}.md", text.encode(), "text/markdown")
            response = client.post("/v1/documents/upload", files={"file": file}, data={"classification": "INTERNAL"})
            self._ledger.documents.append(response.raise_for_status().json()["document_id"])
            return
        question = self._random.choice(QUESTIONS)
        answer = client.post("/v1/chat", json={"message": question}).raise_for_status().json()
        self._ledger.messages.append((answer["conversation_id"], answer["message_id"]))
        if self._random.random() < 0.5:
            rating = {"message_id": answer["message_id"], "thumbs": self._random.choice(["up", "down"])}
            client.post("/v1/feedback", json=rating).raise_for_status()
            self._ledger.feedback.append(answer["message_id"])

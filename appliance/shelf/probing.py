"""A short question to a model in force, to see that it answers."""

from __future__ import annotations

import time
from pathlib import Path

from appliance.errors import Unavailable
from appliance.shelf.errors import ModelInUse
from appliance.shelf.schemas import Tested
from appliance.shelf.values import ModelPackage
from models.chat_client import Ask, ChatClient
from models.errors import ModelsError

QUESTION = [{"role": "user", "content": "Say in one short sentence what a torque wrench is for."}]
SECONDS = 60.0


class ChatDown(Unavailable):
    """The chat server does not answer; quotes go on without it."""

    code, title = "chat-down", "The chat model does not answer"
    hint = "It is started again by itself; `outpost model list` and the log of the node say more."


class Probe:
    """Args:
    run: the folder of the sockets at which models in force are served.
    """

    def __init__(self, run: Path) -> None:
        self._run = run

    async def ask(self, package: ModelPackage) -> Tested:
        """Raises ModelInUse where the model is not the one in force, ChatDown where it does not answer."""
        if package.state != "active":
            raise ModelInUse(f"{package.name} is not in force.", hint="Only models in force can be asked.")
        began = time.monotonic()
        try:
            async with ChatClient(self._run / package.socket, seconds=SECONDS) as client:
                answer = await client.chat(QUESTION, Ask(max_tokens=40, temperature=0))
        except ModelsError as problem:
            raise ChatDown(f"{package.name} gave no answer: {problem}.") from None
        return Tested(
            model=package.name,
            answer=answer.text,
            seconds=round(time.monotonic() - began, 3),
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
        )

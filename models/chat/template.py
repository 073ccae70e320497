"""From messages to the tokens that the model was trained to be asked with: the template in the file's own header.

A template is a program of somebody else's. It runs in jinja2's immutable sandbox, and a message can never play the
template's part: `<|im_end|>` in a text is tokenised as the ten characters it is, not as the end of the message.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from models.chat.engine import Engine
from models.errors import ModelsError, PackageDamaged

MOST_SOURCE = 64 * 1024
MOST_RENDERED = 1_000_000
MOST_SECONDS = 2.0
_SEAM = "\ue000"
"""Private use: set into a control token's name where a message contains one. The text is cut there before tokenising."""


class TemplateRefused(ModelsError):
    """The template does not take these messages; the text says why, often in the template's own words."""


class Template:
    """Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        """Raises PackageDamaged when the file has no template or one that cannot be read."""
        source = engine.template
        if not source:
            raise PackageDamaged(f"{engine.name} has no chat template (tokenizer.chat_template)")
        if len(source) > MOST_SOURCE:
            raise PackageDamaged(f"the chat template of {engine.name} is larger than {MOST_SOURCE} characters")
        sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        sandbox.globals = {"raise_exception": _refuse, "strftime_now": time.strftime}
        try:
            self._template = sandbox.from_string(source)
        except jinja2.TemplateError as problem:
            raise PackageDamaged(f"the chat template of {engine.name} cannot be read: {problem}") from problem
        self._engine = engine
        self._controls = engine.control_texts()
        self.knows_tools = "tools" in source and "tool_calls" in source

    def tokens(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> list[int]:
        """The prompt, up to where the assistant's answer begins. Raises TemplateRefused."""
        text = self._render(self._harmless(list(messages)), self._harmless(list(tools)))
        opening = self._engine.opening
        tokens = [token for part in text.split(_SEAM) for token in self._engine.tokenize(part, special=True)]
        if opening is not None and tokens[:1] != [opening]:
            tokens = [opening, *tokens]
        if not tokens:
            raise TemplateRefused("the chat template makes nothing of these messages")
        return tokens

    def _harmless(self, content: Any) -> Any:
        """Every text in it, however deep, without the power of a control token."""
        if isinstance(content, Mapping):
            return {self._harmless(key): self._harmless(value) for key, value in content.items()}
        if isinstance(content, list):
            return [self._harmless(each) for each in content]
        if not isinstance(content, str):
            return content
        content = content.replace(_SEAM, "")
        for control in self._controls:
            content = content.replace(control, control[:1] + _SEAM + control[1:])
        return content

    def _render(self, messages: Any, tools: Any) -> str:
        known: dict[str, Any] = {
            "tools": tools or None,
            "bos_token": self._engine.bos_text,
            "eos_token": self._engine.eos_text,
        }
        rendered: list[str] = []
        size, until = 0, time.monotonic() + MOST_SECONDS
        try:
            for part in self._template.generate(messages=messages, add_generation_prompt=True, **known):
                rendered.append(part)
                size += len(part)
                if size > MOST_RENDERED or time.monotonic() > until:
                    raise TemplateRefused("the chat template made too much of these messages")
        except TemplateRefused:
            raise
        except Exception as problem:  # a template can raise whatever Python can
            raise TemplateRefused(f"the chat template failed: {problem}") from problem
        return "".join(rendered)


def _refuse(message: str) -> NoReturn:
    raise TemplateRefused(f"the chat template refuses these messages: {message}")

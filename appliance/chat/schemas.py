"""The shapes that chat shows and takes."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from appliance.web import Flag

QUESTION_CHARACTERS = 4000


def _says_something(message: str) -> str:
    if not message.strip():
        raise ValueError("the question is empty")
    return message.strip()


Asked = Annotated[str, Field(min_length=1, max_length=QUESTION_CHARACTERS), AfterValidator(_says_something)]


class Question(BaseModel):
    """A question, in a new conversation or an old one."""

    model_config = ConfigDict(extra="forbid")

    message: Asked
    stream: Flag = False
    conversation_id: UUID | None = None


class Wording(BaseModel):
    """A question whose answer is to be put into words. `message_id` is the answer's, where it was given before; `anew`
    asks the chat model where a card would do. `served_by` names the tier (light, standard, heavy) or the model that is to
    write; without it your default does.
    """

    model_config = ConfigDict(extra="forbid")

    message: Asked
    message_id: UUID | None = None
    length: Literal["short", "long"] = "short"
    anew: Flag = False
    served_by: Annotated[str, Field(max_length=120)] = ""


class NewConversation(BaseModel):
    """`team` is one that you are in and do not only read in: everybody in it reads the conversation."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="", max_length=512)
    team: UUID | None = None


class ChangedConversation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=80, pattern=r"\S")


class ConversationView(BaseModel):
    """`owner_id` began it; `team_id` is the team that it belongs to, if to one."""

    id: UUID
    title: str
    owner_id: UUID
    team_id: UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime


class WarningView(BaseModel):
    """What the guard did with a message, or kept from a model; `kinds` are names of intents, rules or kinds of data."""

    code: Literal["intent", "injection", "personal-data", "output"]
    text: str
    kinds: list[str]


class MessageView(BaseModel):
    """`author_id` asked, or was answered."""

    id: UUID
    role: str
    author_id: UUID
    content: str
    created_at: dt.datetime
    details: dict[str, Any]
    warnings: list[WarningView]


class ConversationDetail(ConversationView):
    messages: list[MessageView]


class Page(BaseModel):
    items: list[ConversationView]
    next_page_token: str | None


class ReceiptView(BaseModel):
    """An answer in a file that proves itself (`receipt`, to be saved byte for byte as `name`), and what to keep of it on paper."""

    name: str
    receipt: Annotated[str, Field(description="The file: one line of JSON, checked by `verify_audit.py`.")]
    sha256: Annotated[str, Field(description="Of the file, hex.")]
    qr: Annotated[str, Field(description="A QR code of that hash and the signed head of the record, as SVG.")]


class NewFeedback(BaseModel):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(extra="forbid")

    message_id: UUID
    thumbs: Literal["up", "down"]
    rating: int | None = Field(default=None, ge=1, le=5)
    comment: str | None = Field(default=None, max_length=2000)

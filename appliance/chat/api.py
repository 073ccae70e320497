"""Chat over HTTP: full answers as JSON, or server-sent events as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from appliance.chat.conversations import Conversations
from appliance.chat.receipts import Receipts
from appliance.chat.schemas import (
    ChangedConversation,
    ConversationDetail,
    ConversationView,
    NewConversation,
    NewFeedback,
    Page,
    Question,
    ReceiptView,
    Wording,
)
from appliance.chat.service import Chat
from appliance.errors import OutpostError, problem
from appliance.store import Principal
from appliance.web import EVENTS, PAGE_SIZE, PAGE_SIZE_MAX, Injected, StreamedOperation, beating, sse

Languages = Annotated[
    str | None,
    HeaderParameter(name="Accept-Language", max_length=500, description="Languages for what is told of the answer."),
]


class ChatController(Controller):
    path = "/v1"
    tags = ("Chat",)

    @post("/chat", operation_id="chat", asks="chat.ask", status_code=200, operation_class=StreamedOperation)
    async def chat(
        self,
        data: JSONBody[Question],
        principal: Injected[Principal],
        chat: Injected[Chat],
        accept_language: Languages = None,
    ) -> Response[Any] | Stream:
        """Answer a question with quotes from the documents; `stream` sends the passages first, then the answer."""
        steps = chat.ask(principal, data.message, data.conversation_id, languages=accept_language)
        return await _answer(steps, stream=data.stream)

    @post("/chat/words", operation_id="chat_words", asks="chat.ask", status_code=200, media_type=EVENTS)
    async def words(
        self,
        data: JSONBody[Wording],
        principal: Injected[Principal],
        chat: Injected[Chat],
        accept_language: Languages = None,
    ) -> Response[Any] | Stream:
        """Put an answer into words: each sentence as it is found to be said by the documents, then how it ended.

        Hang up to stop. Sentences that no passage says are never sent.
        """
        steps = chat.word(
            principal, data.message, message_id=data.message_id, length=data.length, anew=data.anew, ask=data.served_by,
            languages=accept_language,
        )  # fmt: skip
        first = await anext(steps)
        return Stream(beating(_events(first, steps)), media_type=EVENTS)

    @post(
        "/conversations/{conversation_id:uuid}/chat",
        operation_id="chat_in_conversation",
        asks="chat.ask",
        status_code=200,
        operation_class=StreamedOperation,
    )
    async def chat_in(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[Question],
        principal: Injected[Principal],
        chat: Injected[Chat],
        accept_language: Languages = None,
    ) -> Response[Any] | Stream:
        """The same, in a conversation."""
        steps = chat.ask(principal, data.message, conversation_id, languages=accept_language)
        return await _answer(steps, stream=data.stream)

    @post("/conversations", operation_id="create_conversation", asks="chat.start")
    async def create(
        self,
        data: JSONBody[NewConversation],
        principal: Injected[Principal],
        conversations: Injected[Conversations],
    ) -> ConversationView:
        """Open an empty conversation, yours or a team's."""
        return await conversations.start(principal, data.title, data.team)

    @get("/conversations", operation_id="list_conversations", asks="chat.read")
    async def recent(
        self,
        principal: Injected[Principal],
        conversations: Injected[Conversations],
        of: FromQuery[UUID | None] = None,
        q: Annotated[str | None, QueryParameter(max_length=200)] = None,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> Page:
        """Your own conversations and those of your teams, newest first; for an admin those `of` another person. `q` looks in titles."""
        return await conversations.recent(principal, of=of, words=q, page_size=page_size, page_token=page_token)

    @get("/conversations/{conversation_id:uuid}", operation_id="get_conversation", asks="chat.read")
    async def read(
        self, conversation_id: FromPath[UUID], principal: Injected[Principal], conversations: Injected[Conversations]
    ) -> ConversationDetail:
        """One conversation with its newest 50 messages."""
        return await conversations.read(principal, conversation_id)

    @patch("/conversations/{conversation_id:uuid}", operation_id="update_conversation", asks="chat.rename")
    async def rename(
        self,
        conversation_id: FromPath[UUID],
        data: JSONBody[ChangedConversation],
        principal: Injected[Principal],
        conversations: Injected[Conversations],
    ) -> ConversationView:
        """Give a conversation another title: yours, or one of a team that you own."""
        return await conversations.rename(principal, conversation_id, data.title)

    @delete("/conversations/{conversation_id:uuid}", operation_id="delete_conversation", asks="chat.delete")
    async def remove(
        self, conversation_id: FromPath[UUID], principal: Injected[Principal], conversations: Injected[Conversations]
    ) -> None:
        """Delete a conversation: yours, one of a team that you own, or for an admin anybody's."""
        await conversations.delete(principal, conversation_id)

    @get("/messages/{message_id:uuid}/receipt", operation_id="get_receipt", asks="chat.receipt")
    async def receipt(
        self, message_id: FromPath[UUID], principal: Injected[Principal], receipts: Injected[Receipts]
    ) -> ReceiptView:
        """The receipt of an answer you were given: what it said, with the proof that it is recorded."""
        return await receipts.give(principal, message_id)

    @post("/feedback", operation_id="give_feedback", asks="feedback.give", status_code=201)
    async def rate(
        self, data: JSONBody[NewFeedback], principal: Injected[Principal], chat: Injected[Chat]
    ) -> dict[str, str]:
        """Thumbs up or down on an answer you were given."""
        await chat.rate(principal, data)
        return {"message_id": str(data.message_id), "thumbs": data.thumbs}


async def _answer(steps: AsyncGenerator[tuple[str, dict[str, Any]]], *, stream: bool) -> Response[Any] | Stream:
    if not stream:
        answer = {}
        async for name, shown in steps:
            if name == "answer":
                answer = shown
        return Response(answer)
    # The first step is awaited here, so that a refusal is a status and not an event of a stream that began with 200.
    first = await anext(steps)
    return Stream(beating(_events(first, steps)), media_type=EVENTS)


async def _events(
    first: tuple[str, dict[str, Any]], rest: AsyncGenerator[tuple[str, dict[str, Any]]]
) -> AsyncGenerator[bytes, None]:
    # Closed even when the reader goes away, so that the record says what became of the question.
    async with aclosing(rest):
        yield sse(*first, first=True)
        try:
            async for name, shown in rest:
                yield sse(name, shown)
        except OutpostError as error:
            yield sse("error", problem(error))
        yield sse("end", {})


ROUTES = [ChatController]

"""Notices over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from appliance.notices.inbox import Inbox
from appliance.notices.schemas import NoticePage, NoticeView, ReadUpTo
from appliance.store import Principal
from appliance.web import EVENTS, PAGE_SIZE, PAGE_SIZE_MAX, Injected, beating


class NoticesController(Controller):
    path = "/v1/notifications"
    tags = ("Notices",)

    @get("/", operation_id="list_notices", asks="notices.read")
    async def page(
        self,
        principal: Injected[Principal],
        inbox: Injected[Inbox],
        unread: FromQuery[bool] = False,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> NoticePage:
        """What you are told of, the newest first."""
        found, waiting, token = await inbox.page(principal, unread=unread, page_size=page_size, page_token=page_token)
        return NoticePage(items=[NoticeView.of(one) for one in found], unread=waiting, next_page_token=token)

    @get("/events", operation_id="notice_events", asks="notices.read", media_type=EVENTS)
    async def events(
        self, request: Request[Any, Any, Any], principal: Injected[Principal], inbox: Injected[Inbox]
    ) -> Stream:
        """Server-sent events: `unread`, with how many there are, at once and whenever that changes.

        Whoever does not ask for a stream (`Accept: text/event-stream`) gets the first alone.
        """
        once = EVENTS not in request.headers.get("accept", "")
        return Stream(beating(await inbox.listen(principal, once=once)), media_type=EVENTS)

    @post("/read", operation_id="read_notices", asks="notices.read", status_code=204)
    async def read_all(self, data: JSONBody[ReadUpTo], principal: Injected[Principal], inbox: Injected[Inbox]) -> None:
        """All up to this one have been read."""
        await inbox.mark_up_to(principal, data.up_to)

    @post("/{notice_id:uuid}/read", operation_id="read_notice", asks="notices.read", status_code=204)
    async def read(self, notice_id: FromPath[UUID], principal: Injected[Principal], inbox: Injected[Inbox]) -> None:
        """One has been read."""
        await inbox.mark(principal, notice_id)


ROUTES = [NoticesController]

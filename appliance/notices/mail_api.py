"""Mail about news over HTTP: what one wants oneself, and a test for admins."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from appliance.news.values import Kind
from appliance.notices.mailing import Mailing
from appliance.store import Principal
from appliance.web import Injected

Address = Annotated[str, Field(max_length=254)]


class MailChoice(BaseModel):
    """With no kinds nothing is sent, and the address is forgotten."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Address = ""
    kinds: Annotated[list[Kind], Field(max_length=40)]


class MailChoiceView(BaseModel):
    """`available`: whether the owner of the box has named a mail server."""

    available: bool
    address: str | None
    kinds: list[str]


class MailTest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Address


class MailController(Controller):
    path = "/v1"
    tags = ("Notices",)

    @get("/notifications/mail", operation_id="mail_choice", asks="notices.read")
    async def read(self, principal: Injected[Principal], mailing: Injected[Mailing]) -> MailChoiceView:
        """Where you get mail, of which kinds of news."""
        address, kinds = await mailing.choice(principal)
        return MailChoiceView(available=mailing.available, address=address, kinds=kinds)

    @put("/notifications/mail", operation_id="choose_mail", asks="notices.read")
    async def write(
        self, data: JSONBody[MailChoice], principal: Injected[Principal], mailing: Injected[Mailing]
    ) -> MailChoiceView:
        """Choose where you get mail, of which kinds of news."""
        await mailing.choose(principal, data.address, data.kinds)
        kinds = sorted(set(data.kinds))
        return MailChoiceView(
            available=mailing.available, address=data.address if kinds else None, kinds=[str(one) for one in kinds]
        )

    @post("/admin/mail/test", operation_id="test_mail", asks="mail.test", status_code=204)
    async def test(self, data: JSONBody[MailTest], principal: Injected[Principal], mailing: Injected[Mailing]) -> None:
        """Send a mail at once, to see that it goes."""
        await mailing.try_out(principal, data.address)


ROUTES = [MailController]

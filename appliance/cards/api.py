"""Cards over HTTP."""

from __future__ import annotations

from litestar import Controller, Response, get, post

from appliance.cards.schemas import CardList, CardView, Making
from appliance.cards.service import Cards
from appliance.store import Principal
from appliance.web import FOLLOW, Injected


class CardsController(Controller):
    path = "/v1/cards"
    tags = ("Cards",)

    @get("/", operation_id="list_cards", asks="documents.list")
    async def listed(self, principal: Injected[Principal], cards: Injected[Cards]) -> CardList:
        """Answers that were put into words ahead of time, from documents in force that you may read."""
        return CardList(items=[CardView.of(card) for card in await cards.listed(principal)])

    @post("/builds", operation_id="build_cards", asks="jobs.create", status_code=202, response_headers=FOLLOW)
    async def build(self, principal: Injected[Principal], cards: Injected[Cards]) -> Response[Making]:
        """Make cards from the documents in force now; follow the job at its `location`."""
        job_id = await cards.make(principal)
        return Response(Making(job_id=job_id), status_code=202, headers={"location": f"/v1/jobs/{job_id}"})


ROUTES = [CardsController]

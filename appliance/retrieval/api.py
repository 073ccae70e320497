"""Search over HTTP."""

from __future__ import annotations

import time

from litestar import Controller, post
from litestar.params import JSONBody

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.retrieval.disclosure import note_class_three
from appliance.retrieval.schemas import Query, Results, ResultView
from appliance.retrieval.service import Search
from appliance.retrieval.values import Filters
from appliance.shelf.searching import Searching
from appliance.store import Principal
from appliance.web import Injected


class SearchController(Controller):
    path = "/v1/search"
    tags = ("Search",)

    @post(operation_id="search", asks="search.query", status_code=200)
    async def search(
        self,
        data: JSONBody[Query],
        principal: Injected[Principal],
        gate: Injected[Gate],
        search: Injected[Search],
        searching: Injected[Searching],
    ) -> Results:
        """Find passages of documents in force that you may read, best first."""
        began = time.perf_counter()
        filters = Filters(tuple(data.tags), tuple(data.doc_types), tuple(data.assets))
        request = data.model_dump_json().encode()
        async with gate.admit(principal, "search.query", Resource("query"), request=request) as admitted:
            await searching.count(principal)
            found = await search.reranked(await search.first(admitted, data.query, filters=filters))
            results = [ResultView.of(hit) for hit in (found.hits or found.others)[: data.top_k]]
            note_class_three(admitted, results)
            admitted.outcome.metadata |= {"results": len(results), "served_by": found.served_by}
        ms = round((time.perf_counter() - began) * 1000, 1)
        return Results(results=results, served_by=found.served_by, ms=ms)


ROUTES = [SearchController]

"""Jobs over HTTP: list, look, watch, cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.response import Stream

from appliance.errors import InvalidInput
from appliance.jobs.schemas import JobPage, JobView
from appliance.jobs.service import Jobs
from appliance.jobs.values import State
from appliance.store import Principal
from appliance.web import EVENTS, FOLLOW, PAGE_SIZE, PAGE_SIZE_MAX, Injected

PageSize = Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)]
JobState = Annotated[State | None, QueryParameter(name="state")]


def _named(name: str) -> Callable[..., str]:
    """An operation that stands at two paths is two operations to the OpenAPI document."""

    def operation_id(_handler: object, _method: object, path: Sequence[object]) -> str:
        return f"admin_{name}" if "admin" in path else name

    return operation_id


class JobsController(Controller):
    path = "/v1"
    tags = ("Jobs",)

    @get("/jobs", operation_id="list_jobs", asks="jobs.list")
    async def recent(
        self,
        principal: Injected[Principal],
        jobs: Injected[Jobs],
        job_state: JobState = None,
        page_size: PageSize = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> JobPage:
        """Your own jobs, newest first."""
        return await jobs.recent(
            principal, everybody=False, state=job_state, page_size=page_size, page_token=page_token
        )

    @get("/admin/jobs", operation_id="list_all_jobs", asks="audit.read_all")
    async def everybodys(
        self,
        principal: Injected[Principal],
        jobs: Injected[Jobs],
        job_state: JobState = None,
        page_size: PageSize = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> JobPage:
        """All jobs of the tenant, newest first; for admins."""
        return await jobs.recent(principal, everybody=True, state=job_state, page_size=page_size, page_token=page_token)

    @get(["/jobs/{job_id:uuid}", "/admin/jobs/{job_id:uuid}"], operation_id=_named("get_job"), asks="jobs.read")
    async def read(self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]) -> JobView:
        """One job."""
        return await jobs.read(principal, job_id)

    @delete(
        ["/jobs/{job_id:uuid}", "/admin/jobs/{job_id:uuid}"],
        operation_id=_named("cancel_job"),
        asks="jobs.cancel",
        status_code=202,
        response_headers=FOLLOW,
        responses={200: ResponseSpec(JobView, generate_examples=False, description="It had been asked, or had ended.")},
    )
    async def cancel(
        self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]
    ) -> Response[JobView]:
        """Ask a job to stop: 202 the first time, 200 from then on."""
        found, asked = await jobs.cancel(principal, job_id)
        if not asked:
            return Response(found, status_code=200)
        return Response(found, status_code=202, headers={"location": f"/v1/jobs/{job_id}"})

    @get("/jobs/{job_id:uuid}/events", operation_id="job_events", asks="jobs.read", media_type=EVENTS)
    async def events(
        self,
        job_id: FromPath[UUID],
        principal: Injected[Principal],
        jobs: Injected[Jobs],
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
    ) -> Stream:
        """Server-sent events, resumed after `Last-Event-ID`, with a final `end`."""
        if last_event_id is not None and not last_event_id.isdigit():
            raise InvalidInput("Last-Event-ID is the number of an event.")
        await jobs.read(principal, job_id)
        steps = jobs.events(principal, job_id, int(last_event_id or 0))
        return Stream(steps, media_type=EVENTS)


ROUTES = [JobsController]

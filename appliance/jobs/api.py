"""Jobs over HTTP: ask for one, list, look, watch, cancel; for people, for admins, and for the database."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from appliance.errors import InvalidInput
from appliance.jobs.schemas import JobPage, JobTypes, JobView, NewJob, NewJobFor
from appliance.jobs.service import Jobs
from appliance.jobs.submitting import Submitting
from appliance.jobs.values import State
from appliance.store import Principal
from appliance.web import EVENTS, FOLLOW, PAGE_SIZE, PAGE_SIZE_MAX, Injected

PageSize = Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)]
JobState = Annotated[State | None, QueryParameter(name="state")]
Key = Annotated[str | None, HeaderParameter(name="Idempotency-Key")]
CANCELLED = {200: ResponseSpec(JobView, generate_examples=False, description="It had been asked, or had ended.")}


def accepted(job: JobView) -> Response[JobView]:
    """202, and where to follow the job."""
    return Response(job, status_code=202, headers={"location": f"/v1/jobs/{job.job_id}"})


def told(found: JobView, asked: bool) -> Response[JobView]:
    """202 for the request that asked a job to stop, 200 for every other."""
    return accepted(found) if asked else Response(found, status_code=200)


class JobsController(Controller):
    path = "/v1"
    tags = ("Jobs",)

    @post(
        "/jobs",
        operation_id="create_job",
        asks=("jobs.submit", "jobs.manage"),
        status_code=202,
        response_headers=FOLLOW,
    )
    async def create(
        self,
        data: JSONBody[NewJob],
        principal: Injected[Principal],
        submitting: Injected[Submitting],
        idempotency_key: Key = None,
    ) -> Response[JobView]:
        """Ask for a job; with the same `Idempotency-Key` it is made once. Some types are for admins."""
        return accepted(await submitting.submit(principal, data, key=idempotency_key))

    @get("/jobs/types", operation_id="list_job_types", asks="jobs.list")
    async def types(self, principal: Injected[Principal], submitting: Injected[Submitting]) -> JobTypes:
        """The types of job that there are to ask for."""
        return await submitting.types(principal)

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

    @get("/admin/jobs", operation_id="list_all_jobs", asks="jobs.read_all")
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

    @post(
        "/admin/jobs",
        operation_id="create_job_for",
        asks="jobs.manage",
        status_code=202,
        response_headers=FOLLOW,
    )
    async def create_for(
        self,
        data: JSONBody[NewJobFor],
        principal: Injected[Principal],
        submitting: Injected[Submitting],
        idempotency_key: Key = None,
    ) -> Response[JobView]:
        """Ask for a job of any type, for yourself or for another person of the tenant."""
        made = await submitting.submit_for(principal, data, owner_id=data.owner_id, key=idempotency_key)
        return accepted(made)

    @get("/admin/jobs/{job_id:uuid}", operation_id="admin_get_job", asks="jobs.read_all")
    async def read_any(self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]) -> JobView:
        """One job of anybody."""
        return await jobs.read(principal, job_id, action="jobs.read_all")

    @delete(
        "/admin/jobs/{job_id:uuid}",
        operation_id="admin_cancel_job",
        asks="jobs.manage",
        status_code=202,
        response_headers=FOLLOW,
        responses=CANCELLED,
    )
    async def cancel_any(
        self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]
    ) -> Response[JobView]:
        """Ask anybody's job to stop: 202 the first time, 200 from then on."""
        return told(*await jobs.cancel(principal, job_id, action="jobs.manage"))

    @post(
        "/admin/jobs/{job_id:uuid}/retry",
        operation_id="retry_job",
        asks="jobs.manage",
        status_code=202,
        response_headers=FOLLOW,
    )
    async def again(
        self, job_id: FromPath[UUID], principal: Injected[Principal], submitting: Injected[Submitting]
    ) -> Response[JobView]:
        """Have a job that failed or was cancelled done again: a new job like it, made once."""
        return accepted(await submitting.again(principal, job_id))

    @get("/jobs/{job_id:uuid}", operation_id="get_job", asks="jobs.read")
    async def read(self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]) -> JobView:
        """One job."""
        return await jobs.read(principal, job_id)

    @delete(
        "/jobs/{job_id:uuid}",
        operation_id="cancel_job",
        asks="jobs.cancel",
        status_code=202,
        response_headers=FOLLOW,
        responses=CANCELLED,
    )
    async def cancel(
        self, job_id: FromPath[UUID], principal: Injected[Principal], jobs: Injected[Jobs]
    ) -> Response[JobView]:
        """Ask a job to stop: 202 the first time, 200 from then on."""
        return told(*await jobs.cancel(principal, job_id))

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

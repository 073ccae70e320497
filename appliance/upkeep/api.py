"""Upkeep over HTTP: the database and the schedules for admins, the database once more for programs of the box itself."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody, PathParameter

from appliance.jobs.api import CANCELLED, Key, accepted, told
from appliance.jobs.schemas import JobView, NewJob
from appliance.store import Principal
from appliance.upkeep.schemas import Counts, Schedules
from appliance.upkeep.service import Upkeep
from appliance.web import FOLLOW, Injected


class DatabaseController(Controller):
    path = "/v1/admin/db"
    tags = ("Upkeep",)

    @get("/counts", operation_id="count_rows", asks="jobs.manage")
    async def counts(self, principal: Injected[Principal], upkeep: Injected[Upkeep]) -> Counts:
        """How many rows the plant's database holds, by table."""
        return await upkeep.counts(principal)

    @post("/jobs", operation_id="create_db_job", asks="jobs.manage", status_code=202, response_headers=FOLLOW)
    async def create(
        self,
        data: JSONBody[NewJob],
        principal: Injected[Principal],
        upkeep: Injected[Upkeep],
        idempotency_key: Key = None,
    ) -> Response[JobView]:
        """Have the database checked, put in order or tidied: `db.check`, `db.optimize`, `cleanup`."""
        return accepted(await upkeep.begin(principal, data, key=idempotency_key))

    @get("/jobs/{job_id:uuid}", operation_id="get_db_job", asks="jobs.manage")
    async def read(self, job_id: FromPath[UUID], principal: Injected[Principal], upkeep: Injected[Upkeep]) -> JobView:
        """One job of the database."""
        return await upkeep.read(principal, job_id)

    @delete(
        "/jobs/{job_id:uuid}",
        operation_id="cancel_db_job",
        asks="jobs.manage",
        status_code=202,
        response_headers=FOLLOW,
        responses=CANCELLED,
    )
    async def cancel(
        self, job_id: FromPath[UUID], principal: Injected[Principal], upkeep: Injected[Upkeep]
    ) -> Response[JobView]:
        """Ask a job of the database to stop: 202 the first time, 200 from then on."""
        return told(*await upkeep.cancel(principal, job_id))


class InternalDatabaseController(Controller):
    """For programs of the box itself: only the owner's door leads here."""

    path = "/v1/internal/db"
    tags = ("Upkeep",)

    @get("/counts", operation_id="count_rows_internally", asks=("node.programs", "jobs.manage"), only="owner")
    async def counts(self, principal: Injected[Principal], upkeep: Injected[Upkeep]) -> Counts:
        """The same as for admins, for the node's own scripts."""
        return await upkeep.counts(await upkeep.owner(principal))

    @post(
        "/jobs",
        operation_id="create_db_job_internally",
        asks=("node.programs", "jobs.manage"),
        only="owner",
        status_code=202,
        response_headers=FOLLOW,
    )
    async def create(
        self,
        data: JSONBody[NewJob],
        principal: Injected[Principal],
        upkeep: Injected[Upkeep],
        idempotency_key: Key = None,
    ) -> Response[JobView]:
        """The same as for admins, for the node's own scripts."""
        return accepted(await upkeep.begin(await upkeep.owner(principal), data, key=idempotency_key))

    @get(
        "/jobs/{job_id:uuid}", operation_id="get_db_job_internally", asks=("node.programs", "jobs.manage"), only="owner"
    )
    async def read(self, job_id: FromPath[UUID], principal: Injected[Principal], upkeep: Injected[Upkeep]) -> JobView:
        """The same as for admins, for the node's own scripts."""
        return await upkeep.read(await upkeep.owner(principal), job_id)

    @delete(
        "/jobs/{job_id:uuid}",
        operation_id="cancel_db_job_internally",
        asks=("node.programs", "jobs.manage"),
        only="owner",
        status_code=202,
        response_headers=FOLLOW,
        responses=CANCELLED,
    )
    async def cancel(
        self, job_id: FromPath[UUID], principal: Injected[Principal], upkeep: Injected[Upkeep]
    ) -> Response[JobView]:
        """The same as for admins, for the node's own scripts."""
        return told(*await upkeep.cancel(await upkeep.owner(principal), job_id))


class SchedulesController(Controller):
    path = "/v1/admin/schedules"
    tags = ("Upkeep",)

    @get("/", operation_id="list_schedules", asks="jobs.manage")
    async def listed(self, principal: Injected[Principal], upkeep: Injected[Upkeep]) -> Schedules:
        """What is done by itself: when last, how it went, and when next."""
        return await upkeep.schedules(principal)

    @post(
        "/{schedule:str}/run", operation_id="run_schedule", asks="jobs.manage", status_code=202, response_headers=FOLLOW
    )
    async def run(
        self,
        schedule: Annotated[str, PathParameter(description="The name of a schedule.", max_length=64)],
        principal: Injected[Principal],
        upkeep: Injected[Upkeep],
    ) -> Response[JobView]:
        """Do it now; a run that waits or goes on already is that one."""
        return accepted(await upkeep.run(principal, schedule))


ROUTES = [DatabaseController, InternalDatabaseController, SchedulesController]

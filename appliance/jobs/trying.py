"""The jobs to try the queue with: they count."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from appliance.errors import Unprocessable
from appliance.jobs.types import Steps
from appliance.jobs.values import Handler, RunningJob


class AskedToFail(Unprocessable):
    """A job to try the queue with was asked to fail."""

    code, title = "asked-to-fail", "The job failed, as it was asked to"
    hint = "Leave `fails` out."


async def _test(job: RunningJob) -> Mapping[str, Any]:
    return {"attempt": job.attempt}


async def _count(job: RunningJob) -> Mapping[str, Any]:
    wanted = Steps.model_validate(dict(job.payload))
    for step in range(wanted.steps):
        await job.progress(step / wanted.steps, f"step {step + 1} of {wanted.steps}")
        await asyncio.sleep(wanted.seconds)
    if wanted.fails:
        raise AskedToFail("It counted to the end, and then failed.")
    return {"steps": wanted.steps}


HANDLERS: Final[Mapping[str, Handler]] = {"test": _test, "demo": _count, "long-running": _count}

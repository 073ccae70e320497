"""L2: durable work. A job is a row beside the data it works on; a worker claims it, runs it, and survives being killed."""

from __future__ import annotations

from appliance.jobs.service import Jobs, enqueue
from appliance.jobs.submitting import Submitting
from appliance.jobs.values import Cancelled, Handler, JobId, Retry, RunningJob, Watch
from appliance.jobs.waking import Waker
from appliance.jobs.worker import Worker

__all__ = [
    "Cancelled",
    "Handler",
    "JobId",
    "Jobs",
    "Retry",
    "RunningJob",
    "Submitting",
    "Waker",
    "Watch",
    "Worker",
    "enqueue",
]

"""What can be wrong with a request about a job."""

from __future__ import annotations

from appliance.errors import Conflict, InvalidInput, NotFound, TooManyRequests


class NoSuchJob(NotFound):
    """It does not exist, or belongs to somebody else."""

    code, title = "no-such-job", "That job is not there"
    hint = "List your jobs to see which there are."


class UnknownJobType(InvalidInput):
    """No job can be asked for by that type."""

    code, title = "unknown-job-type", "There is no such type of job"
    hint = "GET /v1/jobs/types lists those that you may ask for."


class TooManyJobs(TooManyRequests):
    """One person has as many jobs waiting and running as they may."""

    code, title = "too-many-jobs", "You have too many jobs under way"
    hint = "Wait until some have ended, or cancel some."


class NotRepeatable(Conflict):
    """A job was to be done again that has not failed, or that followed from something else."""

    code, title = "not-repeatable", "That job cannot be done again"
    hint = "Only jobs that failed or were cancelled can; a document is read in again on its own page."

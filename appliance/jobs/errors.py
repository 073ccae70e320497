"""What can be wrong with a request about a job."""

from __future__ import annotations

from appliance.errors import NotFound


class NoSuchJob(NotFound):
    """It does not exist, or belongs to somebody else."""

    code, title = "no-such-job", "That job is not there"
    hint = "List your jobs to see which there are."

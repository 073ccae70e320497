"""Which jobs may be asked for by name: what each takes, and who may.

Other jobs follow from what people do (a document that is taken in); nobody asks for those here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from appliance.errors import InvalidInput
from appliance.jobs.errors import UnknownJobType
from appliance.jobs.rules import PRIORITY


class Nothing(BaseModel):
    """A payload without anything in it."""

    model_config = ConfigDict(extra="forbid")


class Steps(BaseModel):
    """Work that only counts: `steps` times a pause of `seconds`. With `fails` it ends in an error, to see one."""

    model_config = ConfigDict(extra="forbid")

    steps: int = Field(default=5, ge=1, le=1000)
    seconds: float = Field(default=0.2, ge=0, le=60)
    fails: bool = False


@dataclass(frozen=True, slots=True)
class JobType:
    """A kind of job that may be asked for. `for_everybody` by whoever may submit jobs, else by admins; `of_database`
    where it looks after the database itself.
    """

    name: str
    says: str
    payload: type[BaseModel] = Nothing
    for_everybody: bool = False
    of_database: bool = False
    priority: int = PRIORITY

    @property
    def action(self) -> str:
        """What the gate is asked before such a job is made."""
        return "jobs.submit" if self.for_everybody else "jobs.manage"

    def checked(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The payload with what was left out filled in.

        Raises:
            InvalidInput: it does not fit this type; the fields are named, their values are not.
        """
        try:
            return self.payload.model_validate(dict(payload)).model_dump(mode="json")
        except ValidationError as error:
            fields = [{"field": ".".join(map(str, one["loc"])), "why": one["msg"]} for one in error.errors()]
            raise InvalidInput("The payload does not fit this type of job.", fields=fields) from None


Types = Mapping[str, JobType]


def named(types: Types, name: str) -> JobType:
    """Raises UnknownJobType."""
    if (found := types.get(name)) is None:
        raise UnknownJobType(f"No job can be asked for by that type; there are {', '.join(sorted(types))}.")
    return found


def catalogue(*types: JobType) -> Types:
    return MappingProxyType({one.name: one for one in types})


TRYING: Final = (
    JobType("test", "One step, to see that a worker takes it.", for_everybody=True),
    JobType("demo", "Counts a few steps, to see how a job is watched.", Steps, for_everybody=True),
    JobType("long-running", "Counts for long, to see how one is cancelled.", Steps, for_everybody=True, priority=2),
)
"""Jobs to try the queue with."""

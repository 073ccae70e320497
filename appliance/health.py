"""Is the node well? Small probes with a time limit each, and the rule that makes one word of them.

Ready means that a question can be admitted, recorded and answered with quotes: the databases and the policy.
Anything else that is down makes the node `degraded`, which is still 200: a node without its model server quotes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from appliance.errors import OutpostError
from appliance.metrics import COMPONENT_UP

State = Literal["ok", "degraded", "unavailable"]
Probe = Callable[[], Awaitable[str]]
"""Does its check and returns one fact worth showing; raises when the component does not work."""

ESSENTIAL = frozenset({"database", "record", "policy"})
STARTED_LAST = frozenset({"models", "worker"})
LIMIT_SECONDS = 2.0
KEEP_SECONDS = 1.0


class NotWell(OutpostError):
    """A probe found something that works, but not as it should; the component is shown as degraded."""

    code, title, status = "not-well", "A part does not work as it should", 503


@dataclass(frozen=True, slots=True)
class Component:
    """`detail` is a fact or what is wrong; `hint` says what to do, and is empty while the part is well."""

    name: str
    state: State
    detail: str
    ms: float
    hint: str = ""


def overall(components: Mapping[str, Component]) -> Literal["healthy", "degraded", "unavailable"]:
    """One word for the node: unavailable if an essential component is, degraded if any other is not ok."""
    if any(components[name].state == "unavailable" for name in ESSENTIAL & components.keys()):
        return "unavailable"
    return "healthy" if all(component.state == "ok" for component in components.values()) else "degraded"


def has_started(components: Mapping[str, Component]) -> bool:
    """Whether all that a node is made of has come up, its model server and its worker too, which it can do without."""
    return all(components[name].state == "ok" for name in STARTED_LAST & components.keys()) and (
        overall(components) != "unavailable"
    )


class Health:
    """Runs the probes side by side; who asks while one is under way waits for that one.

    Args:
        hints: what to do when a part is not well, by its name; else what the error itself says.
        keep: seconds for which `glance` tells again what was found.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe],
        hints: Mapping[str, str] = MappingProxyType({}),
        *,
        keep: float = KEEP_SECONDS,
    ) -> None:
        self._probes, self._hints, self._keep = probes, hints, keep
        self._looking: dict[str, tuple[float, asyncio.Task[Component]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._probes)

    async def check(self, *names: str) -> dict[str, Component]:
        """Check the named components, or all."""
        return await self._all(names, 0.0)

    async def glance(self, *names: str) -> dict[str, Component]:
        """The same from a moment ago, where somebody asked then: for those whom nobody knows, who may ask often."""
        return await self._all(names, self._keep)

    async def _all(self, names: Sequence[str], keep: float) -> dict[str, Component]:
        found = await asyncio.gather(*(asyncio.shield(self._looked_at(name, keep)) for name in names or self.names))
        return {component.name: component for component in found}

    def _looked_at(self, name: str, keep: float) -> asyncio.Task[Component]:
        """The look that is under way, or ended a moment ago, else a new one. It goes on when who asked has left."""
        since, looking = self._looking.get(name, (0.0, None))
        if looking is None or (looking.done() and time.monotonic() - since >= keep):
            looking = asyncio.create_task(self._one(name))
            self._looking[name] = time.monotonic(), looking
        return looking

    async def _one(self, name: str) -> Component:
        started = time.perf_counter()
        state: State = "ok"
        hint = ""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                detail = await self._probes[name]()
        except NotWell as found:
            state, detail, hint = "degraded", found.detail, found.hint
        except TimeoutError:
            state, detail = "unavailable", f"no answer within {LIMIT_SECONDS:.0f} s"
        except OutpostError as error:
            state, detail, hint = "unavailable", error.detail, error.hint
        except Exception as error:  # whatever a library raises, a probe that raises has failed
            state, detail = "unavailable", type(error).__name__
        if state != "ok":
            hint = self._hints.get(name) or hint or OutpostError.hint
        COMPONENT_UP.labels(name).set(1 if state == "ok" else 0)
        return Component(name, state, detail, round((time.perf_counter() - started) * 1000, 1), hint)

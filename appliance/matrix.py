"""Who may call which route, read from the code: the action stands at the handler, who may take it in the policy pack.

    @get("/kiosks", operation_id="list_kiosks", asks="kiosks.list")     an action of the policy
    @post("/login", operation_id="login", security=[])                   public: anybody, without a sign-in
    @post("/logout", operation_id="logout", asks=())                     anybody signed in; the policy is not asked

A handler that asks one of several actions names them all: the request, or the rights of the caller, choose. `only` narrows
a route further than its action does. What stands there is compared with what the gate is really asked by
`tests/attacks/test_roles_matrix.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from litestar.routes import HTTPRoute

from appliance.policy import PolicyEngine, Resource
from appliance.store import Principal, TenantId

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler

Caller = Literal["nobody", "kiosk", "viewer", "operator", "admin", "owner"]
CALLERS: Final[tuple[Caller, ...]] = ("nobody", "kiosk", "viewer", "operator", "admin", "owner")
_TENANT: Final = TenantId(uuid.UUID(int=1))
_MOST: Final = 4


class Undeclared(LookupError):
    """Routes do not say which action they ask the gate for: whoever builds hears of it, never whoever runs."""

    def __init__(self, silent: Sequence[str]) -> None:
        super().__init__(
            f'No action stands at {", ".join(silent)}.\nhint: give the decorator asks="…", the action that it admits, '
            "or security=[] where anybody may call it."
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One action of one route, and who may take it. Without an action the policy is not asked."""

    method: str
    path: str
    action: str | None
    callers: frozenset[Caller]


def principal(caller: Caller) -> Principal | None:
    """Somebody of this kind with the highest clearance, so that only the role decides; None for nobody."""
    if caller == "nobody":
        return None
    role: Literal["viewer", "operator", "admin"] = (
        "viewer" if caller == "kiosk" else "admin" if caller == "owner" else caller
    )
    kind: Literal["person", "kiosk", "owner"] = caller if caller in {"kiosk", "owner"} else "person"
    return Principal(uuid.UUID(int=2), kind, _TENANT, caller, role, _MOST)


def rows(application: Litestar, policy: PolicyEngine) -> list[Row]:
    """Every action of every route of the description, by path and method.

    Raises:
        Undeclared: names the routes that say nothing.
    """
    found: list[Row] = []
    silent: list[str] = []
    for method, path, handler in _described(application):
        if handler.security in ([], [{}]):
            found.append(Row(method, path, None, frozenset(CALLERS)))
        elif (asks := handler.opt.get("asks")) is None:
            silent.append(f"{method} {path}")
        else:
            only = handler.opt.get("only")
            for action in (asks,) if isinstance(asks, str) else asks or (None,):
                may = _permitted(policy, action)
                found.append(Row(method, path, action, may & {only} if only else may))
    if silent:
        raise Undeclared(silent)
    return sorted(found, key=lambda row: (row.path, row.method))


def _described(application: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema():
                    for method in handler.http_methods - {"OPTIONS"}:
                        yield str(method), route.path_format, handler


def _permitted(policy: PolicyEngine, action: str | None) -> frozenset[Caller]:
    people = {caller: principal(caller) for caller in CALLERS}
    return frozenset(
        caller
        for caller, who in people.items()
        if who is not None and (action is None or policy.decide(who, action, Resource("node")).allowed)
    )


HEAD: Final = """# Who may call what

Made from the code and the policy pack of this release; a test calls every route as everybody and compares.

- **asks** is the action that the route asks the gate for, which decides it by the policy pack and records it. Where two
  rows stand for one route, the request or the rights of the caller choose between them. *public* needs no sign-in;
  *signed in* needs one, and the policy is not asked.
- **owner** is whoever may open the data directory of the node: the command line.
- A *yes* says that the role may. What the thing itself says comes on top: another plant's is not found, a conversation is
  its owner's, a document has a class, an access list and tags. A sign-in narrowed to scopes may do no more than those.

"""


def page(rows: Sequence[Row]) -> str:
    """The matrix as Markdown."""
    shown = [caller for caller in CALLERS if caller != "nobody"]
    lines = [
        f"| route | asks | {' | '.join(shown)} |",
        "|---|---|" + "---|" * len(shown),
    ]
    for row in rows:
        asks = f"`{row.action}`" if row.action else "*public*" if "nobody" in row.callers else "*signed in*"
        cells = " | ".join("yes" if caller in row.callers else "" for caller in shown)
        lines.append(f"| `{row.method} {row.path}` | {asks} | {cells} |")
    return HEAD + "\n".join(lines) + "\n"


def duties_page(policy: PolicyEngine) -> str:
    """What each duty gives to a viewer and what it takes, as Markdown."""
    plain = Principal(uuid.UUID(int=2), "person", _TENANT, "somebody", "viewer", _MOST)
    lines = ["| duty | may beside what a viewer may | may no more |", "|---|---|---|"]
    for duty in sorted(policy.pack.duties):
        held = replace(plain, duties=frozenset({duty}))
        before, after = _actions(policy, plain), _actions(policy, held)
        lines.append(f"| {duty} | {_listed(after - before)} | {_listed(before - after)} |")
    return DUTIES_HEAD + "\n".join(lines) + "\n"


def _actions(policy: PolicyEngine, who: Principal) -> frozenset[str]:
    return frozenset(one for one in policy.pack.actions if policy.decide(who, one, Resource("node")).allowed)


def _listed(actions: frozenset[str]) -> str:
    return ", ".join(f"`{one}`" for one in sorted(actions))


DUTIES_HEAD: Final = """
## What duties give and take

An admin gives people duties beside their role; those that the policies speak of stand here, each on a viewer. A
`past_auditor` is an auditor whose last day is over.

"""

"""What goes over HTTP about people, kiosks and tenants. Unknown fields are refused."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self, cast
from uuid import UUID

from litestar import Request
from pydantic import BaseModel, ConfigDict, Field

from appliance.errors import InvalidInput
from appliance.identity.duties import DUTIES, Duty
from appliance.identity.values import (
    Enrolled,
    EnrolmentCode,
    Kiosk,
    KioskToken,
    Person,
    PersonChange,
    PersonCreated,
    Role,
    SignedIn,
)
from appliance.store import Principal
from appliance.web import Flag

Name = Annotated[str, Field(min_length=1, max_length=120)]
Secret = Annotated[str, Field(min_length=1, max_length=256)]
Clearance = Annotated[int, Field(ge=1, le=3, description="1 public, 2 internal, 3 confidential.")]


def address_of(request: Request[Any, Any, Any]) -> str:
    """Where the request comes from; the owner's door has no address."""
    return request.client.host if request.client is not None else "local"


def origin_of(request: Request[Any, Any, Any]) -> str:
    """The address that a browser shows for this node, without a path."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Login(Body):
    tenant: Annotated[str, Field(min_length=1, max_length=63, description="The short name of the plant.")]
    username: Name
    password: Secret


class Refresh(Body):
    refresh_token: Secret


class NewPassword(Body):
    password: Secret


class UserView(Body):
    """Who is signed in."""

    id: UUID
    username: str
    display_name: str
    role: Role
    clearance: int
    tenant: str


class TokenView(Body):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6749
    expires_in: int
    refresh_token: Annotated[str | None, Field(description="Null where the browser asked to have it in a cookie.")]
    must_change_password: Annotated[
        bool, Field(description="Somebody else made the password: nothing is open but PUT /v1/auth/password.")
    ]
    user: UserView

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        person = signed_in.person
        return cls(
            access_token=signed_in.access_token,
            expires_in=signed_in.expires_in,
            refresh_token=signed_in.refresh_token,
            must_change_password=signed_in.must_change,
            user=UserView(
                id=person.id,
                username=person.username,
                display_name=person.display_name,
                role=person.role,
                clearance=person.clearance,
                tenant=signed_in.tenant_slug,
            ),
        )


class MeView(UserView):
    """Who the request comes from: a person, a kiosk, or the owner of the data directory."""

    kind: Literal["person", "kiosk", "owner", "service"]
    tenant_id: UUID
    scopes: list[str]
    duties: Annotated[list[str], Field(description="In force now, beside the role.")]

    @classmethod
    def of(cls, principal: Principal, display_name: str, tenant: str) -> Self:
        return cls(
            id=principal.id,
            username=principal.name,
            display_name=display_name,
            role=principal.role,
            clearance=principal.clearance,
            tenant=tenant,
            kind=principal.kind,
            tenant_id=principal.tenant_id,
            scopes=sorted(principal.scopes),
            duties=sorted(principal.duties),
        )


class NewCode(Body):
    clearance: Clearance = 2


class CodeView(Body):
    code: str
    expires_at: dt.datetime

    @classmethod
    def of(cls, code: EnrolmentCode) -> Self:
        return cls(code=code.code, expires_at=code.expires_at)


class Enrolment(Body):
    code: Annotated[str, Field(min_length=1, max_length=64)]
    name: Name
    public_key: Annotated[dict[str, Any], Field(description="The public key as a JWK: EC, P-256.")]


class EnrolledView(Body):
    kiosk_id: UUID
    tenant: str

    @classmethod
    def of(cls, enrolled: Enrolled) -> Self:
        return cls(kiosk_id=enrolled.kiosk.id, tenant=enrolled.tenant_slug)


class ChallengeRequest(Body):
    kiosk_id: UUID


class ChallengeView(Body):
    challenge: str


class Proof(Body):
    kiosk_id: UUID
    challenge: Annotated[str, Field(max_length=512)]
    signature: Annotated[
        str, Field(max_length=128, description="ES256 over the challenge's text: base64url of r || s.")
    ]


class KioskTokenView(Body):
    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6749
    expires_in: int

    @classmethod
    def of(cls, token: KioskToken) -> Self:
        return cls(access_token=token.access_token, expires_in=token.expires_in)


class KioskView(Body):
    id: UUID
    name: str
    clearance: int
    is_active: bool
    thumbprint: Annotated[str, Field(description="Of the public key (RFC 7638).")]
    created_at: dt.datetime
    last_seen: dt.datetime | None

    @classmethod
    def of(cls, kiosk: Kiosk) -> Self:
        return cls(
            id=kiosk.id,
            name=kiosk.name,
            clearance=kiosk.clearance,
            is_active=kiosk.is_active,
            thumbprint=kiosk.thumbprint,
            created_at=kiosk.created_at,
            last_seen=kiosk.last_seen,
        )


class KioskPage(Body):
    items: list[KioskView]
    next_page_token: str | None


class NewUser(Body):
    username: Annotated[str, Field(min_length=1, max_length=64)]
    display_name: Name
    role: Role
    clearance: Clearance | None = None
    password: Secret | None = None


class DutyView(Body):
    """Something that a person is asked to do beside their role."""

    duty: Duty
    until: Annotated[dt.date | None, Field(description="Its last day (UTC); an auditor always has one.")] = None


class UserChange(Body):
    display_name: Name | None = None
    role: Role | None = None
    clearance: Clearance | None = None
    is_active: Flag | None = None
    password: Secret | None = None
    export_eligibility: Annotated[
        list[Literal["EAR", "ITAR"]] | None, Field(description="The export regimes they may see documents of.")
    ] = None
    duties: Annotated[
        list[DutyView] | None, Field(max_length=len(DUTIES), description="All that the person has from now on.")
    ] = None
    unlock: Annotated[Flag, Field(description="Forget failed sign-ins.")] = False

    def change(self) -> PersonChange:
        """Raises InvalidInput for a duty that is named twice."""
        duties = None if self.duties is None else {one.duty: one.until for one in self.duties}
        if duties is not None and len(duties) != len(self.duties or ()):
            raise InvalidInput("A duty is named twice.", field="duties")
        return PersonChange(**{**self.model_dump(exclude={"duties"}), "duties": duties})


class AdminUserView(Body):
    """A person as an admin sees them."""

    id: UUID
    username: str
    display_name: str
    role: Role
    clearance: int
    is_active: bool
    export_eligibility: list[str]
    duties: list[DutyView]
    must_change_password: Annotated[bool, Field(description="Somebody else made it, and they have not replaced it.")]
    locked_until: dt.datetime | None
    last_login: dt.datetime | None
    created_at: dt.datetime

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls(
            id=person.id,
            username=person.username,
            display_name=person.display_name,
            role=person.role,
            clearance=person.clearance,
            is_active=person.is_active,
            export_eligibility=sorted(person.export_eligibility),
            duties=[DutyView(duty=cast("Duty", duty), until=until) for duty, until in sorted(person.duties.items())],
            must_change_password=person.must_change,
            locked_until=person.locked_until,
            last_login=person.last_login,
            created_at=person.created_at,
        )


class CreatedUserView(AdminUserView):
    password: Annotated[str | None, Field(description="Shown once, if it was generated.")] = None

    @classmethod
    def made(cls, created: PersonCreated) -> Self:
        return cls(**AdminUserView.of(created.person).model_dump(), password=created.password)


class UserPage(Body):
    items: list[AdminUserView]
    next_page_token: str | None

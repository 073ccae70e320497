"""What goes over HTTP about second factors and step-up. Unknown fields are refused."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from appliance.identity.schemas import Body, Name, Secret
from appliance.identity.values import Answer, Confirmed, Factor, FactorKind, KeyOffer, OwnFactors, Proof, TotpOffer

Code = Annotated[
    str, Field(min_length=1, max_length=8192, description="A code, or a security key's answer: JSON of WebAuthn.")
]
Challenge = Annotated[str, Field(max_length=4096)]


class SecondFactor(Body):
    challenge: Annotated[str, Field(max_length=4096, description="From the problem `second-factor-required`.")]
    kind: FactorKind
    code: Code

    def answer(self, origin: str) -> Answer:
        return Answer(self.kind, self.code, self.challenge, origin)


class KeyRequest(Body):
    challenge: Challenge


class KeyOptions(Body):
    """For `navigator.credentials`: its `publicKey`, as JSON of WebAuthn."""

    challenge: Annotated[str, Field(description="To be sent with the answer.")]
    public_key: dict[str, Any]

    @classmethod
    def of(cls, offer: KeyOffer) -> Self:
        return cls(challenge=offer.challenge, public_key=offer.options)


class NewSecurityKey(Body):
    name: Name = "Security key"


class SecurityKeyMade(Body):
    challenge: Challenge
    credential: Annotated[str, Field(max_length=8192, description="What the browser made: JSON of WebAuthn.")]


class StepUp(Body):
    """A code where you have a second factor, your password where you have none."""

    action: Annotated[str, Field(min_length=1, max_length=64)]
    resource: Annotated[str, Field(max_length=200, description="What it is done to, as the refusal named it.")] = ""
    password: Secret | None = None
    kind: FactorKind = "totp"
    code: Code | None = None
    challenge: Annotated[str, Field(max_length=4096, description="With a security key: from its options.")] = ""

    def proof(self, origin: str) -> Proof:
        answer = None if self.code is None else Answer(self.kind, self.code, self.challenge, origin)
        return Proof(self.password, answer)


class StepUpView(Body):
    step_up: Annotated[str, Field(description="To be sent as X-Step-Up, once, within `expires_in` seconds.")]
    expires_in: int


class FactorView(Body):
    id: UUID
    kind: FactorKind
    name: str
    created_at: dt.datetime
    confirmed_at: Annotated[dt.datetime | None, Field(description="Until then it is not asked for.")]
    last_used_at: dt.datetime | None

    @classmethod
    def of(cls, factor: Factor) -> Self:
        return cls(
            id=factor.id,
            kind=factor.kind,
            name=factor.name,
            created_at=factor.created_at,
            confirmed_at=factor.confirmed_at,
            last_used_at=factor.last_used_at,
        )


class FactorsView(Body):
    items: list[FactorView]
    recovery_codes: Annotated[int, Field(description="How many are unused.")]
    has_password: Annotated[bool, Field(description="False for somebody who comes from an identity provider.")]

    @classmethod
    def of(cls, own: OwnFactors) -> Self:
        return cls(
            items=[FactorView.of(one) for one in own.factors],
            recovery_codes=own.recovery_codes,
            has_password=own.has_password,
        )


class NewTotp(Body):
    name: Name = "Authenticator app"


class TotpOfferView(FactorView):
    secret: Annotated[str, Field(description="Base32, shown this once.")]
    uri: Annotated[str, Field(description="The same for an app: an otpauth address.")]

    @classmethod
    def offered(cls, offer: TotpOffer) -> Self:
        return cls(**FactorView.of(offer.factor).model_dump(), secret=offer.secret, uri=offer.uri)


class FirstCode(Body):
    code: Code


class RecoveryCodesView(Body):
    recovery_codes: Annotated[list[str], Field(description="Each works once. Shown this once.")]


class ConfirmedView(FactorView):
    recovery_codes: Annotated[list[str], Field(description="With a first factor, shown this once; else none.")]

    @classmethod
    def made(cls, confirmed: Confirmed) -> Self:
        return cls(**FactorView.of(confirmed.factor).model_dump(), recovery_codes=list(confirmed.recovery_codes))

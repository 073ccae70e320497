"""A session follows what its provider says at each refresh: with a real provider, and with one that can be made to say anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from appliance.identity import store as people_queries
from appliance.identity.errors import SessionEnded
from appliance.identity.federation import claims as meaning
from appliance.identity.federation import people
from appliance.identity.federation.errors import ProviderUnreachable
from appliance.identity.federation.grants import Grants
from appliance.identity.federation.keys import IssuerKeys
from appliance.identity.federation.reach import Answer, Reach
from appliance.identity.federation.tables import GrantRow
from appliance.identity.sign_in import SignIn
from appliance.identity.values import SignedIn
from appliance.store import CONTROL, Purpose, Store, Tenant
from tests.identity.federation.company import ISSUER, FederatedSite, Issuer
from tests.identity.federation.idp import Idp, running
from tests.identity.federation.test_oidc import settings_for, signed_in
from tests.identity.federation.web import FederatedWeb, web


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, idp: Idp) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, allowed=[idp.host], tenants=[tenant]) as node:
        await node.set_up(tenant, {"oidc": settings_for(idp, tenant)})
        yield node


async def refreshed(browser: httpx.AsyncClient, tokens: dict[str, Any]) -> httpx.Response:
    return await browser.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


async def grants_in(store: Store) -> list[bytes]:
    async with store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        return list((await session.scalars(select(GrantRow.sealed))).all())


async def test_a_role_follows_the_groups_at_the_next_refresh(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    idp.knows("rita-1", preferred_username="rita", groups=["plant-admins"])
    async with node.browser() as browser:
        tokens = await signed_in(node, browser, tenant, idp, "rita-1")
        assert tokens["user"]["role"] == "admin"
        idp.knows("rita-1", preferred_username="rita", name="Rita Ray", groups=["plant-viewers"])

        fresh = (await refreshed(browser, tokens)).raise_for_status().json()

        assert (fresh["user"]["role"], fresh["user"]["display_name"]) == ("viewer", "Rita Ray")
        idp.knows("rita-1", preferred_username="rita", groups=["canteen"])
        ended = await refreshed(browser, fresh)
        assert (ended.status_code, ended.json()["code"]) == (401, "session-ended")


async def test_a_grant_that_the_provider_takes_back_ends_the_session(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    idp.knows("sven-1", preferred_username="sven", groups=["plant-operators"])
    async with node.browser() as browser:
        tokens = await signed_in(node, browser, tenant, idp, "sven-1")
        idp.revokes("sven-1")

        ended = await refreshed(browser, tokens)

    assert (ended.status_code, ended.json()["code"]) == (401, "session-ended")
    assert await grants_in(node.site.store) == []


async def test_what_the_provider_gave_is_sealed_and_goes_with_the_session(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    idp.knows("tom-1", preferred_username="tom", groups=["plant-operators"])
    async with node.browser() as browser:
        tokens = await signed_in(node, browser, tenant, idp, "tom-1")
        (kept,) = await grants_in(node.site.store)
        assert len(kept) > 40
        assert b"token" not in kept
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        assert (await browser.post("/v1/auth/logout", headers=headers)).status_code == 204

    assert await grants_in(node.site.store) == []


# --- with a provider that says what it is told to -----------------------------------------------------------------------


class Company(Reach):
    """A company's token endpoint and userinfo; None is a provider that does not answer."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(["login.example.plant:443"])
        self._keys = {"keys": [issuer.public()]}
        self.says: Mapping[str, Any] | None = {}
        self.user: dict[str, Any] = {}
        self.status, self.asked = 200, list[str]()

    async def get(self, url: str, *, bearer: str | None = None) -> Answer:
        if url.endswith("/userinfo") and self.says is not None:
            return _answer(200 if bearer == "an access token" else 401, self.user)
        places = {name: f"{ISSUER}/{name.partition('_')[0]}" for name in ("token_endpoint", "userinfo_endpoint")}
        return _answer(200, {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **self._keys, **places})

    async def post(self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Answer:
        assert (url, form["grant_type"], basic) == (f"{ISSUER}/token", "refresh_token", None)
        self.asked.append(form["refresh_token"])
        if self.says is None:
            raise ProviderUnreachable("Nobody answers.")
        return _answer(self.status, dict(self.says))


def _answer(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, body, json.dumps(body).encode())


class Case:
    """Nora, who came in by a provider and has a session."""

    def __init__(self, site: FederatedSite, tenant: Tenant, company: Company, grants: Grants) -> None:
        self.site, self.tenant, self.company, self.grants = site, tenant, company, grants
        self.session = SignedIn.__new__(SignedIn)

    @property
    def sign_in(self) -> SignIn:
        sign_in = self.site.sign_in
        sign_in.ask_first(self.grants.renew)
        return sign_in

    async def begin(self, issuer: Issuer, grant: str | None = "first") -> None:
        site = self.site
        provider = await site.trust(self.tenant)
        outsider = meaning.outsider(issuer.claims(site.clock()), provider)
        async with site.store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            judged = await people.judged(session, provider, outsider, site.clock())
            assert judged.person is not None
            self.session = await site.sign_in.begin(session, judged.person, self.tenant)
            await self.grants.keep(session, self.session.session_id, grant)

    async def refresh(self, **after: float) -> SignedIn:
        self.site.clock.pass_(**after)
        self.session = await self.sign_in.refresh(self.session.refresh_token)
        return self.session


@pytest.fixture
async def case(site: FederatedSite, tenant: Tenant, issuer: Issuer) -> AsyncIterator[Case]:
    company = Company(issuer)
    issuers = IssuerKeys(company, monotonic=site.clock.seconds)
    case = Case(site, tenant, company, site.grants_by(issuers, company))
    yield case
    await issuers.close()


def vouching(case: Case, issuer: Issuer, **changed: Any) -> dict[str, Any]:
    return {"id_token": issuer.token(case.site.clock(), **changed), "access_token": "an access token"}


async def test_an_id_token_of_a_refresh_counts_and_a_change_of_role_is_recorded(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    case.company.says = vouching(case, issuer, groups=["plant-admins"])
    assert (await case.refresh(minutes=1)).person.role == "admin"

    (record,) = [one for one in case.site.record.written if one.event_type == "auth.role"]
    assert record.metadata == {"role_before": "operator", "role": "admin"}
    case.company.says = vouching(case, issuer, groups=["plant-admins"])
    await case.refresh(minutes=1)
    assert case.site.record.events().count("auth.role") == 1


async def test_the_token_that_comes_in_place_of_the_one_before_is_sent_next(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    case.company.says = vouching(case, issuer) | {"refresh_token": "second"}
    await case.refresh(minutes=1)
    case.company.says = vouching(case, issuer)
    await case.refresh(minutes=1)
    await case.refresh(minutes=1)

    assert case.company.asked == ["first", "second", "second"]


@pytest.mark.parametrize("changed", [{"sub": "somebody-else"}, {"aud": "another"}, {"tenant_id": "south"}, {"exp": 1}])
async def test_what_does_not_verify_ends_the_session(case: Case, issuer: Issuer, changed: dict[str, Any]) -> None:
    await case.begin(issuer)
    case.company.says = vouching(case, issuer, **changed)

    with pytest.raises(SessionEnded):
        await case.refresh(minutes=1)
    assert len(case.site.record.reasons()) == 1


async def test_a_key_of_somebody_else_vouches_for_nobody(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    case.company.says = vouching(case, Issuer.other(ISSUER), groups=["plant-admins"])

    with pytest.raises(SessionEnded):
        await case.refresh(minutes=1)


async def test_userinfo_counts_where_there_is_no_id_token(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    case.company.says = {"access_token": "an access token"}
    case.company.user = {"sub": "f3c1-nora", "preferred_username": "nora", "groups": ["plant-viewers"]}
    case.site.clock.set_back(hours=3)  # the newest word counts, whatever the clock says

    assert (await case.refresh()).person.role == "viewer"


async def test_a_session_goes_on_for_a_day_while_the_provider_is_away_and_not_longer(
    case: Case, issuer: Issuer
) -> None:
    await case.begin(issuer)
    case.company.says = None
    for _ in range(3):
        assert (await case.refresh(hours=7, minutes=50)).person.role == "operator"

    with pytest.raises(SessionEnded):
        await case.refresh(minutes=40)
    assert case.site.record.reasons() == ["the provider was away for a day"]


async def test_a_provider_that_comes_back_begins_the_day_anew(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    for _ in range(4):
        case.company.says = None
        await case.refresh(hours=11)
        case.site.clock.pass_(hours=11)
        case.company.says = vouching(case, issuer)
        await case.refresh()


@pytest.mark.parametrize(("status", "error"), [(500, "server_error"), (401, "invalid_client"), (400, "slow_down")])
async def test_an_answer_that_says_nothing_of_the_person_is_none(
    case: Case, issuer: Issuer, status: int, error: str
) -> None:
    await case.begin(issuer)
    case.company.status, case.company.says = status, {"error": error}

    await case.refresh(minutes=1)
    await case.refresh(seconds=30)
    assert len(case.company.asked) == 1, "it is not asked again at once"
    await case.refresh(minutes=1)
    assert len(case.company.asked) == 2


async def test_a_refresh_token_of_ours_that_was_used_asks_nobody(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    used = case.session.refresh_token
    case.company.says = vouching(case, issuer)
    await case.refresh(minutes=1)

    with pytest.raises(SessionEnded):
        await case.sign_in.refresh(used)
    assert case.company.asked == ["first"]


async def test_a_session_whose_provider_cannot_be_asked_ends_after_half_a_day(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer, None)
    await case.refresh(hours=11)

    with pytest.raises(SessionEnded):
        await case.refresh(hours=2)


async def test_asking_again_is_no_sign_in(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    began = case.site.clock()
    case.site.clock.pass_(hours=1)
    case.company.says = vouching(case, issuer)
    assert (await case.refresh()).person.last_login == began


async def test_who_signed_out_while_the_provider_was_asked_stays_signed_out(case: Case, issuer: Issuer) -> None:
    await case.begin(issuer)
    case.company.says = vouching(case, issuer)
    async with case.site.store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
        await people_queries.end_session(session, case.session.session_id, case.site.clock())

    with pytest.raises(SessionEnded):
        await case.refresh(minutes=1)
    assert await grants_in(case.site.store) == []

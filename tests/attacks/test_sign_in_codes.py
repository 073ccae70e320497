"""Attacks on second factors: codes replayed and guessed, challenges passed off as something else."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator

import pytest

from appliance.identity.errors import ProofRefused, SecondFactorRefused, TokenRefused, TooManyAttempts
from appliance.identity.slips import Slips
from appliance.identity.values import Answer, Proof
from appliance.store import Store, Tenant
from tests.identity.site import PASSWORD, App, Site, parts, unsigned

pytestmark = pytest.mark.one_try


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


@pytest.fixture
async def app(site: Site, tenant: Tenant) -> App:
    """Nora's phone, with a fresh code on it."""
    await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    site.clock.pass_(minutes=1)
    return app


async def test_a_code_seen_over_the_shoulder_does_not_work_again(site: Site, app: App, tenant: Tenant) -> None:
    code = app.code()
    await site.second_factor(await site.challenge(tenant, "nora"), "totp", code)

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(await site.challenge(tenant, "nora"), "totp", code)
    with pytest.raises(SecondFactorRefused):
        await site.second_factor(await site.challenge(tenant, "nora"), "totp", app.code(seconds=-30))


async def test_one_code_used_from_two_places_at_once_opens_one(site: Site, app: App, tenant: Tenant) -> None:
    challenges = [await site.challenge(tenant, "nora") for _ in range(4)]
    code = app.code()

    async def attempt(challenge: str) -> bool:
        try:
            await site.second_factor(challenge, "totp", code)
        except SecondFactorRefused:
            return False
        return True

    assert sum(await asyncio.gather(*[attempt(one) for one in challenges])) == 1


async def test_a_recovery_code_works_once(site: Site, app: App, tenant: Tenant) -> None:
    code = app.recovery_codes[0]
    await site.second_factor(await site.challenge(tenant, "nora"), "recovery", code)

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(await site.challenge(tenant, "nora"), "recovery", code)


async def test_recovery_codes_of_another_person_do_not_work(site: Site, app: App, tenant: Tenant) -> None:
    await site.add(tenant, "mallory")
    other = await site.with_app(tenant, await site.principal(tenant, "mallory"))

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(await site.challenge(tenant, "nora"), "recovery", other.recovery_codes[0])


async def test_six_wrong_codes_lock_the_account_even_for_the_right_one(site: Site, app: App, tenant: Tenant) -> None:
    challenge = await site.challenge(tenant, "nora")
    for _ in range(6):
        with pytest.raises(SecondFactorRefused):
            await site.second_factor(challenge, "totp", "000000")

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(challenge, "recovery", app.recovery_codes[0])
    assert site.record.reasons() == ["wrong code"] * 6 + ["locked"]


async def test_the_right_password_in_between_does_not_buy_more_guesses(site: Site, app: App, tenant: Tenant) -> None:
    for _ in range(6):
        challenge = await site.challenge(tenant, "nora")
        with pytest.raises(SecondFactorRefused):
            await site.second_factor(challenge, "totp", "000000")

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(challenge, "totp", app.code())


async def test_guesses_made_in_a_stolen_session_lock_the_account_too(site: Site, app: App, tenant: Tenant) -> None:
    opened = await site.second_factor(await site.challenge(tenant, "nora"), "totp", app.code())
    nora = await site.sign_in.authenticate(opened.access_token)
    for _ in range(6):
        with pytest.raises(ProofRefused):
            await site.proofs.check(nora, Proof(answer=Answer("totp", "000000")))

    with pytest.raises(ProofRefused):
        await site.proofs.check(nora, Proof(answer=Answer("recovery", app.recovery_codes[0])))


async def test_guesses_at_once_are_all_counted(site: Site, app: App, tenant: Tenant) -> None:
    challenge = await site.challenge(tenant, "nora")

    async def attempt() -> None:
        with pytest.raises(SecondFactorRefused):
            await site.second_factor(challenge, "totp", "000000")

    await asyncio.gather(*[attempt() for _ in range(12)])

    assert site.record.reasons().count("wrong code") == 6
    assert site.record.reasons().count("locked") == 6


async def test_one_address_that_guesses_codes_is_stopped(node_store: Store, tenant: Tenant) -> None:
    site = Site(node_store, burst=3)
    try:
        await site.add(tenant, "nora")
        await site.with_app(tenant, await site.principal(tenant, "nora"))
        challenge = await site.challenge(tenant, "nora")
        sign_in, guess = site.sign_in, Answer("totp", "000000", challenge)
        for _ in range(3):
            with pytest.raises(SecondFactorRefused):
                await sign_in.second_factor(guess, address="10.0.0.9")
        with pytest.raises(TooManyAttempts):
            await sign_in.second_factor(guess, address="10.0.0.9")
    finally:
        site.close()


async def test_a_challenge_is_no_access_token_and_no_refresh_token(site: Site, app: App, tenant: Tenant) -> None:
    challenge = await site.challenge(tenant, "nora")

    with pytest.raises(TokenRefused):
        await site.sign_in.authenticate(challenge)
    with pytest.raises(Exception, match="The session has ended"):
        await site.sign_in.refresh(challenge)


async def test_an_access_token_and_other_slips_are_no_challenge(site: Site, app: App, tenant: Tenant) -> None:
    opened = await site.second_factor(await site.challenge(tenant, "nora"), "totp", app.code())
    nora = await site.sign_in.authenticate(opened.access_token)
    about = dict(parts(await site.challenge(tenant, "nora"))[1]["about"])
    step_up = Slips(site.store, "step-up", dt.timedelta(minutes=5), clock=site.clock).issue(nora.id, about)

    for token in (opened.access_token, step_up, "", "a.b.c", "é.é.é", "x" * 100_000):
        with pytest.raises(TokenRefused):
            await site.second_factor(token, "recovery", app.recovery_codes[1])


async def test_a_challenge_serves_one_sign_in(site: Site, app: App, tenant: Tenant) -> None:
    challenge = await site.challenge(tenant, "nora")
    await site.second_factor(challenge, "recovery", app.recovery_codes[0])

    with pytest.raises(TokenRefused):
        await site.second_factor(challenge, "recovery", app.recovery_codes[1])


async def test_a_challenge_does_not_move_to_another_person(site: Site, app: App, tenant: Tenant) -> None:
    mallory = await site.add(tenant, "mallory")
    header, claims, signature = parts(await site.challenge(tenant, "nora"))
    moved = f"{unsigned(header, claims | {'sub': str(mallory.id)})}.{signature}"

    with pytest.raises(TokenRefused):
        await site.second_factor(moved, "recovery", app.recovery_codes[0])


async def test_the_second_step_opens_a_session_that_nobody_knew_before(site: Site, app: App, tenant: Tenant) -> None:
    """Session fixation: what an attacker handed over beforehand names no session afterwards."""
    challenge = await site.challenge(tenant, "nora")
    first = await site.second_factor(challenge, "recovery", app.recovery_codes[0])
    again = await site.second_factor(await site.challenge(tenant, "nora"), "recovery", app.recovery_codes[1])
    sessions = {(await site.sign_in.authenticate(one.access_token)).session_id for one in (first, again)}

    assert len(sessions) == 2
    assert not any(str(session) in challenge for session in sessions)
    assert parts(challenge)[1]["jti"] not in {str(session) for session in sessions}


async def test_the_password_alone_refreshes_nothing_and_opens_nothing(site: Site, app: App, tenant: Tenant) -> None:
    before = site.record.events().count("auth.login")
    await site.challenge(tenant, "nora", PASSWORD)

    assert site.record.events().count("auth.login") == before

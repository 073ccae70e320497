"""Keys over both databases: claimed once, given back by what failed, and never worked on twice after a crash."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from appliance.idempotency.errors import InvalidKey, StillRunning
from appliance.idempotency.rules import BodyHash, checked
from appliance.idempotency.service import LIFETIME, MOST, Answer, Claim, Earlier, Keys
from appliance.store import Admitted, Principal, Store, Tenant, new_id
from appliance.store.tables import TenantRow
from tests.identity.site import HandClock

ROUTE = "POST /v1/things?"
GOOD = Answer(201, {"content-type": "application/json"}, b'{"id": 7}')


class Site:
    """One process after another over the same store."""

    def __init__(self, store: Store, tenant: Tenant, admitted: Callable[..., Admitted]) -> None:
        self.store, self.tenant, self._admitted = store, tenant, admitted
        self.clock = HandClock()
        self.alive: set[str] = set()
        self.who = Principal(new_id(), "person", tenant.id, "Nora North", "operator", 2)

    def process(self, name: str) -> Keys:
        """The process of that name, alive until it is taken from `alive`; the store writes its marks."""
        self.alive.add(name)
        keys = Keys(self.store, instance=name, is_alive=self.alive.__contains__, clock=self.clock)
        self.store.post_record = keys.mark
        return keys

    async def change_tenant_file(self) -> None:
        async with self.store.open_session(self._admitted(resource_type="thing", resource_id="7"), write=True):
            pass

    async def change_control(self) -> None:
        admitted = self._admitted(resource_type="thing", resource_id="7")
        async with self.store.open_control(admitted, write=True) as session:
            await session.execute(update(TenantRow).where(TenantRow.id == self.tenant.id).values(name="Renamed"))

    async def claimed(self, keys: Keys, key: str = "k") -> Claim:
        found = await keys.claim(self.who, key, ROUTE)
        assert isinstance(found, Claim)
        return found

    async def earlier(self, keys: Keys, key: str = "k") -> Earlier:
        found = await keys.claim(self.who, key, ROUTE)
        assert isinstance(found, Earlier)
        return found


@pytest.fixture
def site(store: Store, tenant: Tenant, admitted: Callable[..., Admitted]) -> Site:
    return Site(store, tenant, admitted)


Work = Callable[[Site], Awaitable[None]]
FILES = pytest.mark.parametrize("work", [Site.change_tenant_file, Site.change_control], ids=["tenant", "control"])


@FILES
async def test_work_is_done_once_and_its_answer_given_again(site: Site, work: Work) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with keys.working(claim):
        await work(site)
    await keys.finish(claim, body_hash="h", answer=GOOD, keep=True)

    again = await site.earlier(site.process("two"))
    assert (again.answer, again.body_hash, again.route) == (GOOD, "h", ROUTE)
    assert again.done is not None
    assert (again.done.action, again.done.resource_type, again.done.resource_id) == ("test.act", "thing", "7")


async def test_of_two_at_once_one_works_and_the_other_is_told_to_wait(site: Site) -> None:
    keys = site.process("one")
    found = await asyncio.gather(*(keys.claim(site.who, "k", ROUTE) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(one, Claim) for one in found) == 1
    assert sum(isinstance(one, StillRunning) for one in found) == 4


async def test_another_person_may_have_the_same_key(site: Site) -> None:
    keys = site.process("one")
    await site.claimed(keys)
    site.who = Principal(new_id(), "person", site.tenant.id, "Otto", "operator", 2)

    await site.claimed(keys)


@pytest.mark.parametrize("answer", [Answer(503, {}, b""), None])
async def test_what_failed_gives_its_key_back(site: Site, answer: Answer | None) -> None:
    keys = site.process("one")
    await keys.finish(await site.claimed(keys), body_hash=None, answer=answer, keep=True)

    await site.claimed(keys)


async def test_what_was_rolled_back_gives_its_key_back(site: Site) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with keys.working(claim), pytest.raises(ZeroDivisionError):
        async with site.store.open_session(site._admitted(), write=True):
            raise ZeroDivisionError
    await keys.finish(claim, body_hash=None, answer=Answer(500, {}, b""), keep=True)

    await site.claimed(keys)


@FILES
async def test_what_failed_after_its_change_is_not_done_again(site: Site, work: Work) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with keys.working(claim):
        await work(site)
    await keys.finish(claim, body_hash=None, answer=Answer(500, {}, b""), keep=True)

    assert (await site.earlier(keys)).answer is None


@pytest.mark.parametrize("processes", [1, 3])
async def test_a_crash_before_the_change_gives_the_key_to_whoever_asks_next(site: Site, processes: int) -> None:
    await site.claimed(site.process("one"))
    site.alive.clear()
    others = [site.process(f"other {number}") for number in range(processes)]

    asked = [others[number % processes].claim(site.who, "k", ROUTE) for number in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in found) == 1
    assert sum(isinstance(one, StillRunning) for one in found) == 2


@FILES
async def test_a_crash_after_the_change_never_does_it_again(site: Site, work: Work) -> None:
    keys = site.process("one")
    with keys.working(await site.claimed(keys)):
        await work(site)
    site.alive.clear()

    for _ in range(2):
        again = await site.earlier(site.process("two"))
        assert again.answer is None
        assert again.done is not None
        assert again.done.resource_id == "7"


async def test_a_process_that_could_not_say_the_end_does_not_hold_the_key(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with monkeypatch.context() as broken:
        broken.setattr(site.store, "open_internal", None)
        with pytest.raises(TypeError):
            await keys.finish(claim, body_hash=None, answer=None, keep=True)

    await site.claimed(keys)


@pytest.mark.parametrize(("keep", "body"), [(False, b"shown once"), (True, b"x" * (MOST + 1))])
async def test_an_answer_shown_once_or_too_long_is_not_kept(site: Site, keep: bool, body: bytes) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with keys.working(claim):
        await site.change_tenant_file()
    await keys.finish(claim, body_hash="h", answer=Answer(201, {}, body), keep=keep)

    again = await site.earlier(keys)
    assert again.answer is None
    assert again.done is not None


async def test_a_key_is_forgotten_after_a_day(site: Site) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    with keys.working(claim):
        await site.change_tenant_file()
    await keys.finish(claim, body_hash="h", answer=GOOD, keep=True)
    site.clock.now += LIFETIME - dt.timedelta(seconds=1)
    await site.earlier(keys)
    site.clock.now += dt.timedelta(seconds=1)

    await site.claimed(keys)


async def test_work_without_a_key_leaves_no_mark(site: Site) -> None:
    keys = site.process("one")
    claim = await site.claimed(keys)
    await site.change_tenant_file()
    await keys.finish(claim, body_hash="h", answer=GOOD, keep=True)

    await site.claimed(keys)


@pytest.mark.parametrize("raw", [b"", b'""', b"a b", "ü".encode(), b"x" * 256, b"a\x00"])
def test_a_key_that_cannot_be_one_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidKey):
        checked(raw)


def test_a_key_may_stand_in_quotes() -> None:
    assert checked(b'"8e03978e"') == checked(b"8e03978e") == "8e03978e"


def hashed(body: bytes, boundary: str, step: int) -> str:
    found = BodyHash(f"multipart/form-data; charset=utf-8; boundary={boundary}")
    for start in range(0, len(body), step):
        found.add(body[start : start + step])
    return found.hexdigest()


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_a_form_sent_again_with_other_separators_is_the_same(step: int) -> None:
    def form(boundary: str, content: str) -> bytes:
        return f"--{boundary}\r\nname=file\r\n\r\n{content}\r\n--{boundary}--\r\n".encode()

    first = hashed(form("aaaa", "one"), "aaaa", step)
    assert hashed(form("b" * 40, "one"), "b" * 40, 5) == first
    assert hashed(form("aaaa", "two"), "aaaa", step) != first

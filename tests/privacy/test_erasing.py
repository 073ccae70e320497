"""Erasure of a person: nothing of them is left, nothing of others goes, and the record proves itself as before."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.audit.export import export
from appliance.audit.personal import own
from appliance.audit.verify import verify
from appliance.chat.tables import Conversation, Message
from appliance.errors import NotFound
from appliance.holds import Holds
from appliance.holds.errors import OnHold
from appliance.holds.rules import Hold
from appliance.identity.errors import LastAdmin, OwnAccount, UnknownPerson
from appliance.identity.tables import PersonRow
from appliance.privacy.errors import NoSuchRequest, RequestDecided
from appliance.privacy.ledger import LEDGER
from appliance.store import CONTROL, Purpose, new_id
from tests.node import ROOT
from tests.privacy.site import NAME, NEEDLES, NOW, QUESTION, USERNAME, Site, proven, values


async def test_an_erased_person_is_found_in_no_table_and_in_no_sealed_name(site: Site) -> None:
    before = await site.everything()
    assert all(needle in before for needle in NEEDLES)
    row = await site.approved()

    assert await site.erase(row) > 20

    after = await site.everything()
    assert [needle for needle in NEEDLES if needle in after] == []
    assert "otto" in after
    assert after.count("what is the torque") == before.count("what is the torque") > 4
    assert after.count("somebody.else") == before.count("somebody.else") == 2
    assert await site.state(row) == "done"
    async with site.store.open_internal(Purpose.VERIFY, CONTROL) as session:
        left = await session.get_one(PersonRow, site.person.id)
    assert (left.display_name, left.is_active, left.password_hash) == ("Erased", False, "")


async def test_done_again_it_changes_nothing(site: Site) -> None:
    row = await site.approved()
    await site.erase(row)
    node, names = await values(site.store, CONTROL), Counter(await site.names())

    assert await site.erase(row) == 0
    assert await site.state(row) == "done"
    assert await values(site.store, CONTROL) == node
    assert Counter(await site.names()) - names == Counter({"upkeep": 2})  # that it was done again


async def test_the_record_and_an_export_of_it_are_proven_after_an_erasure(site: Site, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.jsonl"
    await export(site.store, site.tenant.id, earlier, disclose=True)
    await site.erase(await site.approved())
    later = tmp_path / "later.jsonl"
    await export(site.store, site.tenant.id, later, disclose=True)

    assert (await verify(site.store)).ok
    for file in (earlier, later):
        words = (sys.executable, str(ROOT / "packaging" / "verify_audit.py"), str(file))
        script = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = await script.communicate()
        assert script.returncode == 0, told.decode()
    assert "quirin" in earlier.read_text().lower()
    assert "quirin" not in later.read_text().lower()


async def test_what_others_said_in_a_teams_conversation_stays_under_a_title_without_words(site: Site) -> None:
    shared, team = new_id(), str(new_id())
    async with site.store.open_internal(Purpose.SEED, site.tenant.id, write=True) as session:
        session.add(
            Conversation(
                id=shared, owner_id=site.person.id, owner_team_id=team, title=QUESTION, created_at=NOW, updated_at=NOW
            )
        )
        await session.flush()
        for seq, who in enumerate((site.person, site.other)):
            session.add(
                Message(
                    id=new_id(), conversation_id=shared, seq=seq, author_id=who.id, role="user", content=f"of {who.name}",
                    details={}, created_at=NOW,
                )
            )  # fmt: skip
    await site.erase(await site.approved())

    async with site.store.open_internal(Purpose.VERIFY, site.tenant.id) as session:
        said = list(await session.scalars(select(Message.content).where(Message.conversation_id == shared)))
        title = (await session.get_one(Conversation, shared)).title
    assert (said, title) == (["of otto"], "…")


@pytest.mark.parametrize("named", ["everything", "person", "period", "work"])
async def test_a_hold_refuses_an_erasure_until_it_is_released(site: Site, named: str) -> None:
    holds = Holds(site.store, site.gate)
    work = await _work_of(site)
    hold = {
        "everything": Hold(),
        "person": Hold(user_id=site.person.id),
        "period": Hold(since=NOW.replace(year=2000)),
        "work": Hold(correlation_id=work),
    }[named]
    held = await holds.set(site.admin, hold, "claim 7")
    row = await site.requests.ask(site.person, site.person.id)

    with pytest.raises(OnHold):
        await site.requests.approve(site.admin, row.id, proven)
    assert await site.state(row) == "asked"
    await holds.release(site.admin, held.id, "settled")
    assert (await site.requests.approve(site.admin, row.id, proven)).state == "running"


async def test_a_hold_on_somebody_else_does_not_stand_in_the_way(site: Site) -> None:
    await Holds(site.store, site.gate).set(site.admin, Hold(user_id=site.other.id), "claim 8")

    assert (await site.approved()).state == "running"


async def test_a_request_is_made_once_and_decided_once(site: Site) -> None:
    first = await site.requests.ask(site.person, site.person.id)
    assert (await site.requests.ask(site.admin, site.person.id)).id == first.id
    refused = await site.requests.refuse(site.admin, first.id, " still employed ")
    assert (refused.state, refused.why) == ("refused", "still employed")
    with pytest.raises(RequestDecided):
        await site.requests.approve(site.admin, first.id, proven)
    with pytest.raises(RequestDecided):
        await site.requests.refuse(site.admin, first.id, "again")
    with pytest.raises(NoSuchRequest):
        await site.requests.approve(site.admin, new_id(), proven)

    second = await site.approved()
    assert second.id != first.id
    with pytest.raises(RequestDecided):  # its job waits
        await site.requests.approve(site.admin, second.id, proven)
    listed = await site.requests.page(site.person, everybody=False, limit=1, before=None)
    assert ([one.id for one in listed.rows], listed.more) == ([second.id], True)


async def test_nobody_erases_themselves_the_last_admin_or_a_stranger(site: Site) -> None:
    asked = await site.requests.ask(site.admin, site.admin.id)

    with pytest.raises(OwnAccount):
        await site.requests.approve(site.admin, asked.id, proven)
    owner = replace(site.admin, id=new_id(), kind="owner")
    with pytest.raises(LastAdmin):
        await site.requests.approve(owner, asked.id, proven)
    with pytest.raises(UnknownPerson):
        await site.requests.ask(site.admin, new_id())


async def test_a_job_for_what_nobody_decided_erases_nobody(site: Site) -> None:
    row = await site.requests.ask(site.person, site.person.id)
    before = await site.everything()

    with pytest.raises(NotFound):
        await site.erase(row)
    assert "zebra pump" in await site.everything()
    assert before.count("quirin") <= (await site.everything()).count("quirin")


async def _work_of(site: Site) -> UUID:
    found = await own(site.store, site.tenant.id, site.person.id, epoch=1)
    return UUID(str(found[0].correlation_id))


async def test_whom_a_restored_backup_brings_back_is_erased_again(site: Site) -> None:
    await site.erase(await site.approved())
    assert await site.erasing.replay() == 0
    async with site.store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        row = await session.get_one(PersonRow, site.person.id)
        row.username, row.display_name, row.is_active = USERNAME, NAME, True
    async with site.store.open_internal(Purpose.SEED, site.tenant.id, write=True) as session:
        session.add(Conversation(id=new_id(), owner_id=site.person.id, title=QUESTION, created_at=NOW, updated_at=NOW))
    ledger = site.store.data / "backups" / LEDGER
    ledger.write_text(ledger.read_text() * 2 + '{"tenant": "cut o')

    assert await site.erasing.replay() == 1
    left = await site.everything()
    assert [needle for needle in NEEDLES if needle in left] == []
    assert "quirin" not in ledger.read_text()
    assert await site.erasing.replay() == 0

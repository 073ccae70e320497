"""Mail: off until the owner names a server, one sentence, only to who chose it and may hear of it, kept while it cannot go."""

from __future__ import annotations

import email
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.tables import PersonRow
from appliance.identity.values import NewPerson
from appliance.jobs import JobId, Retry, RunningJob
from appliance.jobs.tables import JobRow
from appliance.news import tell
from appliance.news.values import KINDS
from appliance.notices import Mailer, Mailing, Passing
from appliance.notices.errors import BadAddress, MailOff, MailRefused
from appliance.notices.mail_rules import LINES, MailServer, check_address, message
from appliance.notices.values import MAIL
from appliance.settings import InvalidSetting, load
from appliance.store import CONTROL, Principal, Purpose, new_id
from tests.node import free_port
from tests.notices.conftest import POLICY, House

NORA = "nora@plant.example"


@dataclass
class Postbox:
    """A real SMTP server on loopback; `answers` are given to recipients one after the other."""

    port: int
    answers: list[str] = field(default_factory=list)
    got: list[tuple[list[str], Message]] = field(default_factory=list)
    users: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Session, envelope: Envelope, to: str, _options: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(to)
        return answer

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.got.append((list(envelope.rcpt_tos), email.message_from_bytes(content)))
        return "250 OK"


@pytest_asyncio.fixture
async def postbox() -> AsyncIterator[Postbox]:
    box = Postbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


def server(box: Postbox) -> MailServer:
    return MailServer("127.0.0.1", box.port, "none", "outpost@plant.example")


@pytest.fixture
async def people(house: House) -> AsyncIterator[People]:
    passwords = Passwords(memory_kib=8, passes=1)
    yield People(house.store, passwords=passwords)
    passwords.close()


def mailing(house: House, people: People, to: MailServer | None) -> Mailing:
    return Mailing(house.store, house.gate, POLICY, people, Mailer(to, house.vault))


async def nora(house: House, people: People, role: Any = "admin") -> Principal:
    async with house.gate.admit(house.admin(), "people.create") as admitted:
        made = await people.create(admitted, NewPerson(username="nora", display_name="Nora", role=role))
    return Principal(made.person.id, "person", house.tenant.id, "nora", role, 3)


async def happen(house: House, *, mail: bool = True) -> list[dict[str, Any]]:
    """The disk is low; the jobs that follow."""
    async with house.store.open_internal(Purpose.RELAY, house.tenant.id, write=True) as session:
        await tell(session, "disk.low", part="disk")
    await Passing(house.store, mail=mail).once()
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        rows = (await session.scalars(select(JobRow).where(JobRow.kind == MAIL))).all()
    return [dict(row.payload) for row in rows]


async def work(house: House, one: Mailing, payload: dict[str, Any]) -> Any:
    async def report(_share: float, _word: str) -> None:
        return None

    job = RunningJob(JobId(new_id()), house.tenant.id, MAIL, payload, 1, new_id(), report)
    try:
        return await one(job)
    except Retry as later:
        return later


async def test_who_chose_it_gets_one_sentence_and_nobody_s_name(house: House, people: People, postbox: Postbox) -> None:
    one, admin = mailing(house, people, server(postbox)), await nora(house, people)
    await one.choose(admin, NORA, ["disk.low"])
    (payload,) = await happen(house)

    assert await work(house, one, payload) == {"sent": True}

    ((to, mail),) = postbox.got
    assert to == [NORA]
    assert mail["From"] == "outpost@plant.example"
    assert mail["Subject"] == f"Outpost {house.tenant.name}: The disk is nearly full."
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "nora" not in str(mail.get_payload())
    assert NORA not in str(payload)


async def test_nobody_gets_mail_who_did_not_choose_it(house: House, people: People, postbox: Postbox) -> None:
    one, admin = mailing(house, people, server(postbox)), await nora(house, people)
    await one.choose(admin, NORA, ["approval.asked"])

    assert await happen(house) == []


async def test_no_mail_is_made_where_the_owner_named_no_server(house: House, people: People) -> None:
    one, admin = mailing(house, people, None), await nora(house, people)
    await one.choose(admin, NORA, ["disk.low"])

    assert await happen(house, mail=False) == []
    assert not one.available
    with pytest.raises(MailOff):
        await one.try_out(admin, NORA)


async def test_who_has_lost_the_right_meanwhile_gets_no_mail(house: House, people: People, postbox: Postbox) -> None:
    one, admin = mailing(house, people, server(postbox)), await nora(house, people)
    await one.choose(admin, NORA, ["disk.low"])
    (payload,) = await happen(house)
    async with house.store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
        await session.execute(update(PersonRow).where(PersonRow.id == admin.id).values(role="viewer"))

    assert await work(house, one, payload) == {"sent": False}
    assert postbox.got == []


async def test_who_changed_their_mind_meanwhile_gets_no_mail(house: House, people: People, postbox: Postbox) -> None:
    one, admin = mailing(house, people, server(postbox)), await nora(house, people)
    await one.choose(admin, NORA, ["disk.low"])
    (payload,) = await happen(house)
    await one.choose(admin, "", [])

    assert await work(house, one, payload) == {"sent": False}
    assert await one.choice(admin) == (None, [])


async def test_a_mail_waits_while_the_server_is_away_or_says_not_now(
    house: House, people: People, postbox: Postbox
) -> None:
    admin = await nora(house, people)
    away = mailing(house, people, MailServer("127.0.0.1", free_port(), "none", "outpost@plant.example"))
    await away.choose(admin, NORA, ["disk.low"])
    (payload,) = await happen(house)
    postbox.answers = ["451 later"]
    there = mailing(house, people, server(postbox))

    assert isinstance(await work(house, away, payload), Retry)
    assert isinstance(await work(house, there, payload), Retry)
    assert await work(house, there, payload) == {"sent": True}


async def test_an_address_that_is_refused_ends_the_job_and_is_not_told(
    house: House, people: People, postbox: Postbox
) -> None:
    one, admin = mailing(house, people, server(postbox)), await nora(house, people)
    postbox.answers = [f"550 no {NORA} here"]

    with pytest.raises(MailRefused) as refusal:
        await one.try_out(admin, NORA)

    assert NORA not in str(refusal.value)


async def test_what_is_said_in_the_clear_is_not_taken_for_starttls(
    house: House, people: People, postbox: Postbox
) -> None:
    from appliance.notices.errors import MailUnavailable

    strict = MailServer("127.0.0.1", postbox.port, "starttls", "outpost@plant.example")
    admin = await nora(house, people)

    with pytest.raises(MailUnavailable):
        await mailing(house, people, strict).try_out(admin, NORA)
    assert postbox.got == []


async def test_one_plant_s_choices_are_not_another_s(house: House, people: People, other_tenant: Any) -> None:
    one, admin = mailing(house, people, None), await nora(house, people)
    await one.choose(admin, NORA, ["disk.low"])
    stranger = Principal(admin.id, "person", other_tenant.id, "nora", "admin", 3)

    assert await one.choice(stranger) == (None, [])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nora",
        "nora@",
        "@plant",
        "a@b\r\nBcc: x@y",
        "a@b\n",
        "a b@c",
        "<a@b>",
        "a@b,c@d",
        "ä@plant",
        '"a"@b',
        "a@-b",
    ],
)
def test_an_address_is_one_address(address: str) -> None:
    with pytest.raises(BadAddress):
        check_address(address)


@given(st.text(max_size=80))
def test_no_name_of_a_plant_adds_a_header(name: str) -> None:
    try:
        made = message("outpost@plant.example", NORA, name, "The disk is nearly full.", "1")
    except ValueError:
        return
    assert set(made.keys()) <= {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip


def test_every_kind_of_news_has_its_sentence() -> None:
    assert set(LINES) == set(KINDS)


@pytest.mark.parametrize(
    "settings",
    [
        {"OUTPOST_MAIL_SERVER": "mail.plant.example:25"},
        {"OUTPOST_MAIL_SERVER": "a:1,b:2", "OUTPOST_MAIL_SENDER": "o@p.example"},
        {"OUTPOST_MAIL_SECURITY": "ssl"},
        {"OUTPOST_MAIL_SECURITY": "none", "OUTPOST_MAIL_USER": "outpost"},
    ],
)
def test_half_a_setting_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        load(settings)

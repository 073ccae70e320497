"""Mail about notices: who wants which, and the handler of jobs `mail.send`.

    spread ─> one job for each person who chose the kind ─> may they hear of it still? ─> handed over ─┬─ taken
                                                                                                      ├─ not now: later
                                                                                                      └─ refused: the job fails

An address stands in one row of its plant and nowhere else: no job, record or log holds it.
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import aiosmtplib
from sqlalchemy import select

from appliance import plant
from appliance.errors import NotFound, Unavailable
from appliance.gate import Gate
from appliance.identity.duties import duties_on
from appliance.identity.people import People
from appliance.jobs import Handler, Retry, RunningJob, enqueue
from appliance.news import Notice, box
from appliance.notices.errors import MailOff, MailRefused, MailUnavailable
from appliance.notices.inbox import reader_of
from appliance.notices.mail_rules import LINES, MailServer, check_address, message
from appliance.notices.tables import MailChoiceRow
from appliance.notices.values import MAIL, courier_of
from appliance.policy import Resource
from appliance.policy.ports import Policies
from appliance.store import Admitted, Principal, Store, TenantId
from appliance.vault.errors import NoSuchSecret
from appliance.vault.service import Vault

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

SECRET: Final = "mail"  # noqa: S105 - the name of one
SECONDS: Final = 15.0
LONGEST: Final = dt.timedelta(days=7)
"""After which a mail that nobody took is given up."""


class Mailer:
    """Hands mail over to the server that the owner of the box named; with none, nothing leaves it.

    Args:
        beyond: whether the server may stand outside the plant.
    """

    def __init__(self, server: MailServer | None, vault: Vault, *, beyond: bool = False) -> None:
        self._server, self._vault, self._beyond = server, vault, beyond

    @property
    def available(self) -> bool:
        return self._server is not None

    async def send(self, admitted: Admitted, to: str, plant_name: str, line: str, message_id: str) -> None:
        """Raises MailOff, MailRefused, MailUnavailable."""
        server = self._server
        if server is None:
            raise MailOff("The owner has named no mail server.")
        await self._hand_over(admitted, server, message(server.sender, to, plant_name, line, message_id))

    async def _hand_over(self, admitted: Admitted, server: MailServer, mail: EmailMessage) -> None:
        addresses = await plant.found(server.host, server.port)
        if not addresses:
            raise MailUnavailable("The mail server is not known here.")
        if not self._beyond and not all(plant.inside(one) for one in addresses):
            raise MailUnavailable("The mail server is not inside the plant.")
        password = None
        if server.user:
            try:
                password = (await self._vault.reveal(admitted, SECRET)).value
            except NoSuchSecret:
                raise MailUnavailable("The vault has no secret `mail`.") from None
        try:
            await aiosmtplib.send(
                mail,
                hostname=server.host.strip("[]"),
                port=server.port,
                username=server.user or None,
                password=password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=ssl.create_default_context(),
                timeout=SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as problem:
            codes = [one.code for one in problem.recipients]
            raise _refusal(max(codes, default=550)) from None
        except aiosmtplib.SMTPResponseException as problem:
            raise _refusal(problem.code) from None
        except (aiosmtplib.SMTPException, OSError) as problem:
            raise MailUnavailable(f"No mail was taken ({type(problem).__name__}).") from None


def _refusal(code: int) -> MailRefused | MailUnavailable:
    """RFC 5321, 4.2.1: 5yz is for good, 4yz for now. Its text is left out: it may name people."""
    return MailRefused(f"It answered {code}.") if code >= 500 else MailUnavailable(f"It answered {code}.")


class Mailing:
    """What people choose, and the mails that follow from it."""

    def __init__(self, store: Store, gate: Gate, policy: Policies, people: People, mailer: Mailer) -> None:
        self._store, self._gate, self._policy, self._people, self._mailer = store, gate, policy, people, mailer

    @property
    def handlers(self) -> dict[str, Handler]:
        return {MAIL: self}

    @property
    def available(self) -> bool:
        return self._mailer.available

    async def choice(self, principal: Principal) -> tuple[str | None, list[str]]:
        """One's own address, and the kinds that mail is sent of."""
        async with (
            self._gate.admit(principal, "notices.read", Resource("notice")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            row = await session.get(MailChoiceRow, principal.id)
            return (None, []) if row is None else (row.address, list(row.kinds))

    async def choose(self, principal: Principal, address: str, kinds: Sequence[str]) -> None:
        """With no kinds the address is forgotten. Raises BadAddress."""
        async with (
            self._gate.admit(principal, "notices.read", Resource("notice")) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = await session.get(MailChoiceRow, principal.id, with_for_update=True)
            admitted.outcome.metadata["mail"] = sorted(set(kinds))
            if not kinds:
                if row is not None:
                    await session.delete(row)
                return
            check_address(address)
            if row is None:
                session.add(MailChoiceRow(person_id=principal.id, address=address, kinds=sorted(set(kinds))))
            else:
                row.address, row.kinds = address, sorted(set(kinds))

    async def try_out(self, principal: Principal, address: str) -> None:
        """Send a mail at once, to see that it goes. Raises BadAddress, MailOff, MailRefused, MailUnavailable."""
        async with self._gate.admit(principal, "mail.test", Resource("notice")) as admitted:
            check_address(address)
            name = await self._plant(admitted.tenant_id)
            await self._mailer.send(admitted, address, name, "This is a test.", str(admitted.correlation_id))

    async def __call__(self, job: RunningJob) -> Mapping[str, Any]:
        """Send one mail. Raises Retry while the server does not take it."""
        person_id, notice_id = UUID(job.payload["person"]), UUID(job.payload["notice"])
        try:
            resource = Resource("notice", str(notice_id))
            async with self._gate.admit(courier_of(job.tenant_id), MAIL, resource) as admitted:
                found = await self._wanted(admitted, person_id, notice_id)
                admitted.outcome.metadata["sent"] = found is not None
                if found is None:
                    return {"sent": False}
                notice, address = found
                name = await self._plant(job.tenant_id)
                await self._mailer.send(admitted, address, name, LINES[notice.kind], f"{notice_id}.{person_id}")
                return {"sent": True}
        except Unavailable as error:
            raise Retry(error.title, seconds=min(3600.0, 10.0 * 2 ** min(job.retries, 12))) from error

    async def _wanted(self, admitted: Admitted, person_id: UUID, notice_id: UUID) -> tuple[Notice, str] | None:
        """The notice and the address, if the person still wants this and may hear of it."""
        try:
            person = await self._people.read(admitted, person_id)
        except NotFound:
            return None
        if not person.is_active:
            return None
        duties = duties_on(person.duties, dt.datetime.now(dt.UTC).date())
        principal = Principal(
            person.id, "person", admitted.tenant_id, person.username, person.role, person.clearance, duties=duties
        )
        if not self._policy.decide(principal, "notices.read", Resource("notice")).allowed:
            return None
        async with self._store.open_session(admitted) as session:
            row = await session.get(MailChoiceRow, person_id)
            notice = await box.one(session, reader_of(self._policy, principal), notice_id)
        if row is None or notice is None or notice.kind not in row.kinds:
            return None
        return notice, row.address

    async def _plant(self, tenant_id: TenantId) -> str:
        return next((one.name for one in await self._store.tenants() if one.id == tenant_id), "")


async def spread(session: AsyncSession, tenant_id: TenantId, notices: Sequence[Notice]) -> None:
    """A job for each mail that may be wanted, in the caller's transaction."""
    choices = list(await session.scalars(select(MailChoiceRow)))
    for notice in notices:
        for one in choices:
            if notice.kind in one.kinds:
                await enqueue(
                    session, kind=MAIL, payload={"person": str(one.person_id), "notice": str(notice.id)},
                    owner=courier_of(tenant_id), idempotency_key=f"mail:{notice.id}:{one.person_id}",
                    deadline_at=dt.datetime.now(dt.UTC) + LONGEST,
                )  # fmt: skip

"""The library: upload, list, read, delete, read in again. Every method is one admitted, recorded action."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents import approval_rules, approving
from appliance.documents import store as queries
from appliance.documents.approval_rules import Wanted
from appliance.documents.errors import (
    DiskNearlyFull,
    DocumentBusy,
    FileMissing,
    NoPages,
    NotForThisCountry,
    UnknownDocument,
    UnsuitableOwner,
)
from appliance.documents.ingest import ERASE
from appliance.documents.page_images import PageImages
from appliance.documents.parsing.filetypes import MEDIA_TYPES, FileKind
from appliance.documents.ports import Directory, Index, Reader
from appliance.documents.receiving import Received, sweep
from appliance.documents.schemas import (
    DocumentDetail,
    DocumentPage,
    DocumentView,
    PassagePage,
    PassageView,
    Uploaded,
)
from appliance.documents.settling import IN_FORCE, Clock, library_worker, now, settle
from appliance.documents.tables import DocumentRow
from appliance.documents.uploads import Upload
from appliance.documents.values import DocumentStatus
from appliance.gate import Gate
from appliance.holds import blocked
from appliance.jobs import Waker, enqueue
from appliance.jobs.service import progress_of
from appliance.policy import Policies, Resource
from appliance.store import Admitted, BlobName, Principal, Store, new_id
from appliance.teams.values import Standing
from appliance.web import Cursors

LEAST_FREE = 0.10
PREVIEW = 20
OPEN = frozenset({"pending", "processing"})


class Library:
    """What people do with documents.

    Args:
        people: who can be named as a data owner.
        teams: to which documents may belong.
        limit: bytes of the largest file that may be uploaded.
        country: where the site is, as ISO 3166-1 alpha-2; empty where nobody said.
        clock: what time it is, for effective dates.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        policy: Policies,
        index: Index,
        waker: Waker,
        reader: Reader,
        cursors: Cursors,
        people: Directory,
        teams: Standing,
        *,
        limit: int = 100 * 2**20,
        country: str = "",
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._gate = gate
        self._policy = policy
        self._index = index
        self._waker = waker
        self._reader = reader
        self._cursors = cursors
        self._people = people
        self._teams = teams
        self._clock = clock
        self._images = PageImages()
        self.limit = limit
        self._country = country
        self.folder = store.data / "uploads"
        sweep(self.folder)

    async def expect(self, principal: Principal) -> None:
        """Turn away who may upload nothing, before any of the file is taken in.

        Raises:
            Refused: the refusal is recorded.
        """
        await self._gate.turn_away(principal, "documents.upload", Resource("document"))

    async def upload(self, principal: Principal, upload: Upload, file: Received) -> Uploaded:
        """Keep the file and put it in the queue; durable when this returns.

        The same content described in the same way is the document that is here already; one that failed is tried again.

        A class IV is kept and not read in until it is approved; a class III that somebody else owns is read in, and
        seen by nobody but its data owner until they agree.

        Raises:
            UnsuitableOwner: the data owner named is nobody here, not cleared or eligible for it, or no data
                owner where a plant has named its own.
            NotForThisCountry: its export control names countries, and not the site's.
            DiskNearlyFull: less than a tenth of the disk is free.
            UnknownTeam: the team was removed meanwhile.
        """
        described = {
            "level": upload.level,
            "tags": list(upload.tags),
            "acl": list(upload.acl),
            "stage": "open",
            "approved": [],
            "export": upload.export.regime,
            "team": upload.team,
        }
        fingerprint = upload.fingerprint(file.sha256)
        resource = Resource("document", attrs=described)
        async with self._gate.admit(principal, "documents.upload", resource, request=fingerprint.encode()) as admitted:
            if not upload.export.may_be_in(self._country):
                raise NotForThisCountry(f"The document may not be in {self._country}.")
            row = await self._keep(admitted, upload, file, fingerprint)
        self._waker.wake()
        return _uploaded(row)

    async def _keep(self, admitted: Admitted, upload: Upload, file: Received, fingerprint: str) -> DocumentRow:
        await asyncio.to_thread(self._check_disk)
        owner = await self._data_owner(admitted, upload)
        blob = await self._store.blobs.put(admitted.tenant_id, file.path)
        async with self._store.open_session(admitted, write=True) as session:
            await queries.take_turn(session)
            if upload.team is not None:
                await self._teams.hold(session, admitted, upload.team)
            row = await queries.with_fingerprint(session, fingerprint, upload.team)
            if row is None:
                row = _row(upload, file, blob, fingerprint, admitted.principal, owner, self._clock())
                session.add(row)
                await self._begin(session, admitted, row)
            elif row.status == "failed" and row.stage == "open":
                await self._read_in(session, row, admitted.principal)
            if not await self._store.blobs.exists(admitted.tenant_id, blob):
                # The file was erased with a document that held the same content, after we had stored it.
                await self._store.blobs.put(admitted.tenant_id, file.path)
            admitted.outcome.resource_id = str(row.id)
            admitted.outcome.metadata |= {"level": upload.level, "bytes": file.size}
            return row

    async def _begin(self, session: AsyncSession, admitted: Admitted, row: DocumentRow) -> None:
        """What a new document waits for: its data owner, the queue, or both."""
        if row.stage == "waiting":
            wanted = Wanted(approval_rules.kind_at_upload(row.level), "Uploaded.", people=tuple(row.acl))
            await approving.ask(session, row, wanted, str(admitted.principal.id), self._clock())
        if row.level < 4:
            await self._read_in(session, row, admitted.principal)
        else:
            row.reason = approving.WAITS
        if row.review_on is not None:
            await enqueue(
                session, kind=IN_FORCE, payload={}, owner=library_worker(admitted.tenant_id),
                idempotency_key=f"review:{row.review_on.isoformat()}", not_before=row.review_on,
            )  # fmt: skip

    async def _data_owner(self, admitted: Admitted, upload: Upload) -> str:
        """Who decides about the document: the person named, else who brings it."""
        if upload.owner is None:
            return str(admitted.principal.id)
        person = await self._people.known(admitted, upload.owner)
        if person is None or not person.is_active or person.clearance < min(upload.level, 3):
            raise UnsuitableOwner(f"{upload.owner!r} is nobody here who is cleared for this class.")
        if upload.export.regime != "NONE" and upload.export.regime not in person.export_eligibility:
            raise UnsuitableOwner(f"{upload.owner!r} is not eligible for documents under {upload.export.regime}.")
        # A plant that has named its data owners means those; one that has named none leaves it to whoever is cleared.
        holders = await self._people.holders(admitted, "data_owner")
        if holders and person.id not in holders:
            raise UnsuitableOwner(f"{upload.owner!r} is none of the people who look after documents here.")
        return str(person.id)

    async def listed(
        self,
        principal: Principal,
        *,
        status: str | None = None,
        words: str | None = None,
        page_size: int,
        page_token: str | None = None,
    ) -> DocumentPage:
        """The latest uploads first, of those that the principal may read."""
        before = self._cursors.decode(page_token).number("before") if page_token else None
        action = "documents.list"
        async with (
            self._gate.admit(principal, action, Resource("document")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            rows = await queries.listed(
                session, self._visible(admitted), status=status, words=words, before=before, limit=page_size + 1
            )
            shares = await progress_of(
                session, [row.job_id for row in rows if row.status == "processing" and row.job_id]
            )
        token = self._cursors.encode({"before": rows[page_size - 1].seq}) if len(rows) > page_size else None
        rows = self._permitted(admitted, rows[:page_size])
        return DocumentPage(items=[DocumentView.of(row, _share(row, shares)) for row in rows], next_page_token=token)

    async def detail(self, principal: Principal, document_id: UUID) -> DocumentDetail:
        """One document and its first passages."""
        async with (
            self._admit(principal, "documents.read", document_id) as admitted,
            self._store.open_session(admitted) as session,
        ):
            row = await self._must_find(session, admitted, document_id)
            passages = await self._index.preview(session, row.id, limit=PREVIEW)
            shares = await progress_of(session, [row.job_id] if row.job_id else [])
            return DocumentDetail.detailed(row, _share(row, shares), passages, principal.clearance)

    async def passages(self, principal: Principal, document_id: UUID, *, start: int, limit: int) -> PassagePage:
        """Passages in reading order, from ordinal `start`."""
        async with (
            self._admit(principal, "documents.read", document_id) as admitted,
            self._store.open_session(admitted) as session,
        ):
            row = await self._must_find(session, admitted, document_id)
            found = await self._index.preview(session, row.id, start=start, limit=limit)
        return PassagePage(items=[PassageView.of(passage) for passage in found])

    async def page_image(self, principal: Principal, document_id: UUID, page: int, width: int) -> bytes:
        """PNG of a page of a PDF.

        Raises:
            NoPages: the document is no PDF.
            UnreadableFile: there is no such page, or it cannot be shown.
        """
        async with self._admit(principal, "documents.read", document_id) as admitted:
            row = await self._read_row(admitted, document_id)
            if row.kind != "pdf":
                raise NoPages("Only PDF documents have pictures of their pages.")
            key = (row.id, row.blob, page, width)
            image = self._images.get(key)
            if image is None:
                content = await self._store.blobs.get(admitted.tenant_id, BlobName(row.blob))
                image = await self._reader.render(content, page, width)
                self._images.put(key, image)
            return image

    async def file(self, principal: Principal, document_id: UUID) -> tuple[DocumentView, str, AsyncIterator[bytes]]:
        """The uploaded file: what it is, its media type, and its content in pieces."""
        async with self._admit(principal, "documents.read", document_id) as admitted:
            row = await self._read_row(admitted, document_id)
            if not await self._store.blobs.exists(admitted.tenant_id, BlobName(row.blob)):
                raise FileMissing("The document's file is not where it was stored.")
            admitted.outcome.metadata |= {"download": True}
            content = self._store.blobs.stream(admitted.tenant_id, BlobName(row.blob))
            return DocumentView.of(row), MEDIA_TYPES[cast("FileKind", row.kind)], content

    async def delete(self, principal: Principal, document_id: UUID) -> None:
        """Remove the document from library and index; what it displaced may come into force again.

        Its file is erased by a job, unless another document holds the same content.

        Raises:
            OnHold: a destruction hold names it.
        """
        async with (
            self._admit(principal, "documents.delete", document_id) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            await queries.take_turn(session)
            row = await self._must_find(session, admitted, document_id, to_change=True)
            await blocked(session, row.id, row.created_at)
            await settle(session, self._index, [row], tenant_id=admitted.tenant_id, clock=self._clock, gone=row.id)
            await self._index.remove(session, row.id)
            await session.delete(row)
            await enqueue(session, kind=ERASE, payload={"blob": row.blob}, owner=principal)
        self._waker.wake()

    async def reindex(self, principal: Principal, document_id: UUID) -> Uploaded:
        """Read the stored file in again; until that is done the present passages go on answering.

        Raises:
            DocumentBusy: it is being read in.
        """
        async with (
            self._admit(principal, "documents.reindex", document_id) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = await self._must_find(session, admitted, document_id, to_change=True)
            if row.level >= 4 and row.stage == "waiting":
                raise DocumentBusy("The document waits for the approval of its data owner.")
            if row.status in OPEN:
                raise DocumentBusy("The document is being read in.")
            await self._read_in(session, row, principal)
        self._waker.wake()
        return _uploaded(row)

    async def _read_in(self, session: AsyncSession, row: DocumentRow, principal: Principal) -> None:
        await approving.read_in(session, row, principal, self._clock())

    async def _read_row(self, admitted: Admitted, document_id: UUID) -> DocumentRow:
        async with self._store.open_session(admitted) as session:
            return await self._must_find(session, admitted, document_id)

    async def _must_find(
        self, session: AsyncSession, admitted: Admitted, document_id: UUID, *, to_change: bool = False
    ) -> DocumentRow:
        """The document, if this action is allowed on it; otherwise as if there were none."""
        row = await queries.find(session, document_id, self._visible(admitted), to_change=to_change)
        if row is None or not self._permitted(admitted, [row]):
            raise UnknownDocument("There is no such document.")
        return row

    def _admit(self, principal: Principal, action: str, document_id: UUID) -> Any:
        return self._gate.admit(principal, action, Resource("document", str(document_id)))

    def _visible(self, admitted: Admitted) -> ColumnElement[bool]:
        return queries.within(self._policy.scope(admitted.principal, admitted.action))

    def _permitted(self, admitted: Admitted, rows: list[DocumentRow]) -> list[DocumentRow]:
        """The policies once more, row by row: the condition in SQL was compiled from them, this asks them."""
        resources = [Resource("document", str(row.id), queries.facts(row).attributes) for row in rows]
        allowed = self._policy.permits(admitted.principal, admitted.action, resources)
        return [row for row, may in zip(rows, allowed, strict=True) if may]

    def _check_disk(self) -> None:
        usage = shutil.disk_usage(self._store.data)
        if usage.free < LEAST_FREE * usage.total:
            raise DiskNearlyFull("Less than a tenth of the disk is free, so no documents are taken in.")


def _row(
    upload: Upload, file: Received, blob: str, fingerprint: str, principal: Principal, owner: str, moment: Any
) -> DocumentRow:
    details = dict(upload.details) | ({"title": upload.title} if upload.title else {})
    return DocumentRow(
        id=new_id(), filename=upload.filename, kind=upload.kind, size=file.size, blob=blob, fingerprint=fingerprint, sha256=file.sha256,
        title=upload.title, revision=upload.revision, doc_type=upload.doc_type, level=upload.level,
        tags=list(upload.tags), acl=list(upload.acl), data_owner=owner,
        stage=approval_rules.stage_at_upload(upload.level, owner, str(principal.id)), approved=[], approved_until=None,
        review_on=upload.review_on, field_labels=dict(upload.field_labels), assets=list(upload.assets), details=details,
        effective_from=upload.effective_from, effective_until=upload.effective_until,
        supersedes=list(upload.supersedes), reach=principal.clearance, reach_export=sorted(principal.eligibility), owner_team_id=upload.team, export=upload.export.regime,
        eccn=upload.export.category, countries=list(upload.export.countries), status="pending", reason=None, in_force=False,
        pages=None, passages=0, job_id=None, indexed_by=None, uploaded_by=principal.id, created_at=moment,
        updated_at=moment,
    )  # fmt: skip


def _uploaded(row: DocumentRow) -> Uploaded:
    """A document that waits is, for whoever uploaded it, in progress."""
    status = "processing" if row.status in OPEN else row.status
    return Uploaded(document_id=row.id, status=cast("DocumentStatus", status), job_id=row.job_id)


def _share(row: DocumentRow, shares: dict[UUID, tuple[float, str]]) -> float | None:
    return shares[row.job_id][0] if row.job_id in shares else None

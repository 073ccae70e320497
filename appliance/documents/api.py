"""Documents over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from pydantic import BaseModel, ConfigDict, Field

from appliance.documents.library import Library
from appliance.documents.moving import MOVE, RELEASE, Moving
from appliance.documents.receiving import received
from appliance.documents.schemas import DocumentDetail, DocumentPage, DocumentView, PassagePage, Uploaded
from appliance.documents.uploads import describe
from appliance.documents.values import DocumentStatus
from appliance.store import Principal
from appliance.web import FOLLOW, PAGE_SIZE, PAGE_SIZE_MAX, Injected

WIDTH = 827
"""Pixels of an A4 page at 100 dots per inch."""

ORDINAL_MAX = 2**31 - 1
"""What both databases can compare with the place of a passage."""

_TEXT = Schema(type=OpenAPIType.STRING)


@dataclass
class UploadOperation(Operation):
    """The body of an upload, described by hand: it is read as a stream and never gathered."""

    def __post_init__(self) -> None:
        fields: dict[str, Reference | Schema] = {
            "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY),
            "classification": Schema(
                type=OpenAPIType.STRING, description="PUBLIC, INTERNAL (default), CONFIDENTIAL, RESTRICTED, or I to IV."
            ),
            "metadata": Schema(
                type=OpenAPIType.STRING,
                description="A JSON object: revision, effective_from, effective_until, supersedes, assets, doc_type, "
                "title, acl, owner, review_on, field_labels, and keys of your own.",
            ),
            "tags": Schema(type=OpenAPIType.ARRAY, items=_TEXT),
            "team": Schema(
                type=OpenAPIType.STRING, description="The id of a team: only those who are in it see the document."
            ),
        }
        schema = Schema(type=OpenAPIType.OBJECT, properties=fields, required=["file"])
        self.request_body = RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=schema)}, required=True)


@dataclass
class FileOperation(Operation):
    """The answer of a download: bytes of the kind that was uploaded."""

    def __post_init__(self) -> None:
        self.responses = {"200": OpenAPIResponse(description="The file.", content={"*/*": OpenAPIMediaType()})}


class ChangedDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    team_id: Annotated[UUID | None, Field(description="The team that it is to belong to; null for the whole plant.")]


class DocumentsController(Controller):
    path = "/v1/documents"
    tags = ("Documents",)

    @post(
        "/upload",
        operation_id="upload_document",
        asks="documents.upload",
        status_code=202,
        request_max_body_size=None,
        operation_class=UploadOperation,
        response_headers=FOLLOW,
    )
    async def upload(
        self, request: Request[Any, Any, Any], principal: Injected[Principal], library: Injected[Library]
    ) -> Response[Uploaded]:
        """Take a file in; follow its job, or look at the document, to see when it is ready."""
        await library.expect(principal)
        content_type = request.headers.get("content-type", "")
        async with received(request.stream(), content_type, folder=library.folder, limit=library.limit) as file:
            described = describe(
                file.filename,
                classification=file.one("classification"),
                metadata=file.one("metadata"),
                tags=file.tags(),
                team=file.one("team"),
            )
            return _accepted(await library.upload(principal, described, file))

    @get(operation_id="list_documents", asks="documents.list")
    async def listed(
        self,
        principal: Injected[Principal],
        library: Injected[Library],
        status: FromQuery[DocumentStatus | None] = None,
        q: Annotated[str | None, QueryParameter(max_length=200)] = None,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> DocumentPage:
        """Documents that you may read, the latest first; `q` looks in names and titles."""
        return await library.listed(principal, status=status, words=q, page_size=page_size, page_token=page_token)

    @get("/{document_id:uuid}", operation_id="get_document", asks="documents.read")
    async def detail(
        self, document_id: FromPath[UUID], principal: Injected[Principal], library: Injected[Library]
    ) -> DocumentDetail:
        """One document with a preview of its passages."""
        return await library.detail(principal, document_id)

    @get("/{document_id:uuid}/passages", operation_id="list_passages", asks="documents.read")
    async def passages(
        self,
        document_id: FromPath[UUID],
        principal: Injected[Principal],
        library: Injected[Library],
        start: Annotated[int, QueryParameter(ge=0, le=ORDINAL_MAX)] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_size: Annotated[
            int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX, description="In place of `limit`.")
        ] = None,
    ) -> PassagePage:
        """Passages in reading order, from ordinal `start`."""
        return await library.passages(principal, document_id, start=start, limit=page_size or limit)

    @get(
        "/{document_id:uuid}/pages/{number:int}", operation_id="get_page", asks="documents.read", media_type="image/png"
    )
    async def page(
        self,
        document_id: FromPath[UUID],
        number: FromPath[int],
        principal: Injected[Principal],
        library: Injected[Library],
        width: Annotated[int, QueryParameter(ge=100, le=2400)] = WIDTH,
    ) -> Response[bytes]:
        """A picture of a page of a PDF, `width` pixels wide."""
        image = await library.page_image(principal, document_id, number, width)
        return Response(image, media_type="image/png", headers={"cache-control": "private, max-age=300"})

    @get(
        "/{document_id:uuid}/file",
        operation_id="get_file",
        asks="documents.read",
        operation_class=FileOperation,
    )
    async def file(
        self, document_id: FromPath[UUID], principal: Injected[Principal], library: Injected[Library]
    ) -> Stream:
        """The file as it was uploaded."""
        found, media_type, content = await library.file(principal, document_id)
        name = quote(found.filename.rpartition("/")[2], safe="")
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{name}",
            "content-length": str(found.size_bytes),
        }
        return Stream(content, media_type=media_type, headers=headers)

    @patch("/{document_id:uuid}", operation_id="update_document", asks=(MOVE, RELEASE))
    async def update(
        self,
        document_id: FromPath[UUID],
        data: JSONBody[ChangedDocument],
        principal: Injected[Principal],
        moving: Injected[Moving],
    ) -> DocumentView:
        """Give a document to a team, to another one, or to the whole plant."""
        return await moving.move(principal, document_id, data.team_id)

    @delete("/{document_id:uuid}", operation_id="delete_document", asks="documents.delete")
    async def delete(
        self, document_id: FromPath[UUID], principal: Injected[Principal], library: Injected[Library]
    ) -> None:
        """Remove a document, its passages and its file."""
        await library.delete(principal, document_id)

    @post(
        "/{document_id:uuid}/reindex",
        operation_id="reindex_document",
        asks="documents.reindex",
        status_code=202,
        response_headers=FOLLOW,
    )
    async def reindex(
        self, document_id: FromPath[UUID], principal: Injected[Principal], library: Injected[Library]
    ) -> Response[Uploaded]:
        """Read a document in again."""
        return _accepted(await library.reindex(principal, document_id))


def _accepted(uploaded: Uploaded) -> Response[Uploaded]:
    """Leads to the job that reads the document in; to the document where nothing is left to follow."""
    done = uploaded.status == "ready"
    location = f"/v1/documents/{uploaded.document_id}" if done else f"/v1/jobs/{uploaded.job_id}"
    return Response(uploaded, status_code=202, headers={"location": location})


ROUTES = [DocumentsController]

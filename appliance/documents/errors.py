"""What the library says no to; each under the error of `appliance.errors` that it refines.

InvalidInput      InvalidDocument, UnknownClassification, InvalidApproval, UnsuitableOwner,
                  InvalidExportControl
NotFound          UnknownDocument, UnknownApproval
Conflict          DocumentBusy, NoPages, AlreadyDecided, AlreadyAsked
Forbidden         NotTheDataOwner, NotForThisCountry, TeamNotYours, NotForEverybody
TooLarge          FileTooLarge
UnsupportedType   UnsupportedFile
Unprocessable     UnreadableFile
Damaged           FileMissing
Unavailable       ReaderUnavailable, EmbedderUnavailable, DiskNearlyFull
"""

from __future__ import annotations

from appliance.errors import (
    Conflict,
    Damaged,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    Unavailable,
    Unprocessable,
    UnsupportedType,
)


class InvalidDocument(InvalidInput):
    """The form, the metadata or the name of an upload cannot be used."""

    code, title = "invalid-document", "The upload cannot be used"


class UnknownClassification(InvalidInput):
    """The classification is none of the four levels in any of their spellings."""

    code, title = "unknown-classification", "That classification does not exist"
    hint = "Use PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED (I, II, III or IV)."


class InvalidExportControl(InvalidInput):
    """What an upload says of its export control cannot be used."""

    code, title = "invalid-export-control", "That export control cannot be used"
    hint = "See docs/administer/classification.md for what `export_control` holds."


class NotForThisCountry(Forbidden):
    """The document's export control names countries, and the country of this site is none of them."""

    code, title = "not-for-this-country", "The document may not be in this country"
    hint = "Keep it at a site in a country that it names, or have its owner name this one."


class UnknownDocument(NotFound):
    """There is no such document in this tenant, or not for this person."""

    code, title = "unknown-document", "No such document"
    hint = "Look it up in the list of documents; it may have been deleted."


class InvalidApproval(InvalidInput):
    """What was asked of a data owner cannot be approved."""

    code, title = "invalid-approval", "That cannot be asked for"
    hint = "See docs/administer/classification.md for what a data owner can be asked."


class UnsuitableOwner(InvalidInput):
    """The data owner is nobody here, is switched off, or has not the clearance."""

    code, title = "unsuitable-data-owner", "That data owner cannot be named"
    hint = "Name an active person of this plant who is cleared for the document's class."


class NotTheDataOwner(Forbidden):
    """The list of a document is its data owner's, and the admins'."""

    code, title = "not-the-data-owner", "That is for the data owner"
    hint = "Ask the data owner, or an admin."


class TeamNotYours(Forbidden):
    """A document was to be given to a team, or taken from one, in which the person changes nothing."""

    code, title = "not-your-team", "You do not change what belongs to that team"
    hint = "Ask an owner of the team to make you a member."


class NotForEverybody(Forbidden):
    """A document of a team was to be for the whole plant, by somebody who may not decide that."""

    code, title = "not-for-everybody", "Only an owner of the team shows its documents to everybody"
    hint = "Ask an owner of the team."


class UnknownApproval(NotFound):
    """There is no such request, or it is not for this person to see."""

    code, title = "unknown-approval", "No such request"


class AlreadyDecided(Conflict):
    """Somebody has decided this request."""

    code, title = "approval-decided", "This was decided already"
    hint = "Ask again if the answer should be another one."


class AlreadyAsked(Conflict):
    """The same person has asked the same thing, and waits for the answer."""

    code, title = "approval-pending", "You have asked for this already"
    hint = "Wait for the data owner's answer."


class FileTooLarge(TooLarge):
    """The upload is larger than the limit of this node."""

    code, title = "file-too-large", "The file is too large"
    hint = "Split the file, or ask the site admin to raise the upload limit."


class UnsupportedFile(UnsupportedType):
    """The extension belongs to no format that is read here."""

    code, title = "unsupported-file", "That kind of file is not read"


class UnreadableFile(Unprocessable):
    """The file's content cannot be read; the detail says why."""

    code, title = "unreadable-file", "The file cannot be read"
    hint = "Open the file in its own program, save it again and upload it, or ask for another copy."


class NoPages(Conflict):
    """Page pictures exist only for PDF documents."""

    code, title = "no-pages", "This document has no page pictures"
    hint = "Download the file to see it as it is."


class DocumentBusy(Conflict):
    """The document is being read in at this moment."""

    code, title = "document-busy", "The document is being read in"
    hint = "Wait until it is ready, or cancel its job first."


class FileMissing(Damaged):
    """The row is there and its stored file is not."""

    code, title = "file-missing", "The file of the document is missing"


class ReaderUnavailable(Unavailable):
    """The process that opens files ended unexpectedly; it is started again with the next file."""

    code, title = "reader-unavailable", "The reader of files is not available"
    hint = "Try again in a moment."


class EmbedderUnavailable(Unavailable):
    """The small models cannot be reached, so nothing can be made searchable."""

    code, title = "embedder-unavailable", "The small models are not available"
    hint = "Documents wait until the models run again; `outpost doctor` says why they do not."


class DiskNearlyFull(Unavailable):
    """No more documents are taken in, so that reading and the record always have room."""

    code, title = "disk-nearly-full", "The disk is nearly full"
    hint = "Free space on the disk of the data directory, then upload again."

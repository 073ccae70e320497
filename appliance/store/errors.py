"""What can go wrong between the appliance and its stored data."""

from __future__ import annotations

from appliance.errors import Conflict, Damaged, InvalidInput, NotFound, Unavailable


class UnknownTenant(NotFound):
    """No such tenant is stored here."""

    code, title = "unknown-tenant", "There is no such tenant here"
    hint = "List the tenants of this node with `outpost doctor`."


class TenantExists(Conflict):
    """A tenant's short name is taken."""

    code, title = "tenant-exists", "That tenant already exists"
    hint = "Choose another short name."


class InvalidTenant(InvalidInput):
    """A tenant's short name cannot be used."""

    code, title = "invalid-tenant", "That tenant name cannot be used"
    hint = "Use 1 to 63 small letters, digits and hyphens, beginning with a letter."


class StoreBusy(Unavailable):
    """A file or connection stayed taken for longer than anyone should wait."""

    code, title = "store-busy", "The data store is busy"
    hint = "Try again in a moment."


class StoreUnreachable(Unavailable):
    """The database of the hub does not answer."""

    code, title = "store-unreachable", "The database cannot be reached"
    hint = "Check that PostgreSQL is running and that database_url is right."


class StoreFull(Unavailable):
    """The disk has no room for the change; nothing was changed."""

    code, title = "store-full", "The disk is full"
    hint = "Free space on the disk of the data directory, then try again."


class DiskFailing(Unavailable):
    """The disk does not take or give what it is asked for; what it holds may be as it was."""

    code, title = "disk-failing", "The disk does not do what it is asked"
    hint = (
        "Look whether the disk of the data directory is there and can be written to. The node goes on by itself then."
    )


class StoreOutdated(Unavailable):
    """The tables are not those of this release."""

    code, title = "store-outdated", "The database must be brought up to date"
    hint = "Run the migrations of this release with the owner's database URL, then start again."


class NoNodeHere(NotFound):
    """The directory holds no data of a node."""

    code, title = "no-node-here", "There is no node in that directory"
    hint = "Check the path; OUTPOST_DATA or --data names the data directory."


class StoreUnprepared(Unavailable):
    """The database of the hub lacks what only its administrator can give."""

    code, title = "store-unprepared", "The database is not prepared"
    hint = "Let the database's administrator run CREATE EXTENSION vector in it."


class StoreMissing(Damaged):
    """A database file that must be there is not."""

    code, title = "store-missing", "A database file is missing"
    hint = "Restore the data directory from the last backup."


class StoreDamaged(Damaged):
    """A database file does not hold what was written, or is not under the key that belongs to it."""

    code, title = "store-damaged", "A database file cannot be read"


class BlobDamaged(Damaged):
    """A stored file does not hold what was written."""

    code, title = "blob-damaged", "A stored file is damaged"
    hint = "Restore this file from the last backup, or upload the document again."


class UnknownBlob(NotFound):
    """No stored file has this name in this tenant."""

    code, title = "unknown-blob", "That stored file is not here"


class MasterKeyMissing(Damaged):
    """There are wrapped keys, but not the master key that opens them."""

    code, title = "master-key-missing", "The master key is missing"
    hint = "Put keys/master.key back, or run `outpost keys recover` with the recovery key that was shown last."


class MasterKeyExists(Conflict):
    """A master key is already here; making another would lose all data."""

    code, title = "master-key-exists", "There is already a master key"
    hint = "Nothing needs to be done; to begin anew use an empty data directory."


class PassphraseNeeded(Unavailable):
    """The master key is kept under a passphrase, and it cannot be asked for here."""

    code, title = "passphrase-needed", "The passphrase is needed"
    hint = "Start at a terminal, give --passphrase-fd, or let systemd hand it over: LoadCredential=outpost-passphrase:FILE."


class WrongPassphrase(InvalidInput):
    """The passphrase is not the one that the master key is kept under."""

    code, title = "wrong-passphrase", "That passphrase does not fit"
    hint = "Try again; if it is lost, `outpost keys recover` takes the recovery key."


class WeakPassphrase(InvalidInput):
    """A passphrase that could be guessed."""

    code, title = "weak-passphrase", "That passphrase is too short"
    hint = "Take five or more words that do not belong together."


class KeyVolumeMissing(Unavailable):
    """The stick with the key file is not there."""

    code, title = "key-volume-missing", "The USB key is not plugged in"
    hint = "Plug it in and mount it where it was; if it is lost, `outpost keys recover` takes the recovery key."


class KeyVolumeUnfit(InvalidInput):
    """The key file cannot be put there, or would protect nothing there."""

    code, title = "key-volume-unfit", "The key cannot be kept there"
    hint = "Give the directory where a USB stick is mounted."


class NoTpm(Unavailable):
    """The TPM of this machine, or the programs that speak to it, cannot be used."""

    code, title = "no-tpm", "The TPM cannot be used"
    hint = "See that it is switched on in the firmware and that tpm2-tools are installed; a sealed key opens in no other TPM."


class KeysInUse(Conflict):
    """The keys cannot be wrapped anew under the hands of a process that uses them."""

    code, title = "keys-in-use", "The node is running"
    hint = "Stop it, do this again, and start it. People stay signed in."


class WrongKey(Damaged):
    """A wrapped key was not made by this master key, or was altered."""

    code, title = "wrong-key", "A stored key cannot be opened"
    hint = "Check that keys/ belongs to this data directory; if not, restore it or use the recovery code."


class KeyMissing(Damaged):
    """The wrapped key of a file is not there; without it the file cannot be read by anyone."""

    code, title = "key-missing", "A stored key is missing"
    hint = "Restore the keys/ directory from where it is kept."


class WrongRecoveryCode(InvalidInput):
    """The recovery code is not the one that was made for this data directory."""

    code, title = "wrong-recovery-code", "That recovery code does not fit"
    hint = "Type it exactly as it was shown, the newest one; letters and digits only, hyphens do not matter."


class UnsafeRole(Damaged):
    """The database role could step around row-level security."""

    code, title = "unsafe-role", "The database role has too many rights"
    hint = "Let database_url name a role that is no superuser, owns no table and has no BYPASSRLS."


class UnsecuredDatabase(InvalidInput):
    """A database beyond this machine is used only where it proves over TLS who it is."""

    code, title = "unsecured-database", "The line to the database is not secured"
    hint = "Add sslmode=verify-full (and sslrootcert=FILE, the CA of the plant) to database_url."


class BackupUnsound(Damaged):
    """A backup does not hold what was to be kept."""

    code, title = "backup-unsound", "That backup cannot be relied on"
    hint = "Take another backup; the disk or stick that holds this one may be failing."

"""L0: engines, keys, sessions, migrations. Everything stored is reached through the names below."""

from __future__ import annotations

from appliance.store.admission import Admitted, Decision, Outcome, Principal, RecordRef
from appliance.store.blobs import BlobName, Blobs
from appliance.store.ids import TenantId, new_id
from appliance.store.keys import RecoveryCode, create_master_key, recover_master_key, renew_recovery_code
from appliance.store.opening import keys_alone, open_store
from appliance.store.schema import (
    AUDIT,
    CONTROL,
    AuditBase,
    ControlBase,
    Group,
    Json,
    TenantBase,
    UtcDateTime,
)
from appliance.store.sessions import Purpose, SecondWrite, Signing, Store, Tenant, Where, tenant_from

__all__ = [
    "AUDIT",
    "CONTROL",
    "Admitted",
    "AuditBase",
    "BlobName",
    "Blobs",
    "ControlBase",
    "Decision",
    "Group",
    "Json",
    "Outcome",
    "Principal",
    "Purpose",
    "RecordRef",
    "RecoveryCode",
    "SecondWrite",
    "Signing",
    "Store",
    "Tenant",
    "TenantBase",
    "TenantId",
    "UtcDateTime",
    "Where",
    "create_master_key",
    "keys_alone",
    "new_id",
    "open_store",
    "recover_master_key",
    "renew_recovery_code",
    "tenant_from",
]

"""GET /v1/audit and /v1/audit/checkpoint, with the real gate, policy and record behind them."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.app import build
from appliance.audit import Recorder, witness_api
from appliance.audit.api import ROUTES
from appliance.audit.cosigning import Cosigner, Submission, cosignatures
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint, Signer, verified
from appliance.audit.rules import Tree, includes, leaf_hash
from appliance.audit.service import AuditLog
from appliance.audit.witness import Witness, cosigner_of
from appliance.audit.witnessed import ask, take, trust
from appliance.errors import Unauthenticated
from appliance.gate import Gate
from appliance.policy import PolicyEngine
from appliance.store import Principal, Store, Tenant, new_id
from appliance.store.admission import Role, minter
from appliance.web import Cursors
from tests.audit.conftest import record
from tests.audit.test_export import checked


@dataclass
class KnownTokens:
    """Authenticates by a list of tokens."""

    known: dict[str, Principal] = field(default_factory=dict)

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        if token not in self.known:
            raise Unauthenticated("Unknown token.")
        return self.known[token]

    async def owner(self, tenant_slug: str | None) -> Principal:
        raise Unauthenticated(f"Nobody owns {tenant_slug} here.")

    async def turn_away(self, principal: Principal) -> None:
        raise AssertionError(principal)


@dataclass
class Site:
    recorder: Recorder
    client: Callable[[Principal], httpx.AsyncClient]
    nora: Principal
    admin: Principal


@pytest.fixture
async def site(store: Store, tenant: Tenant) -> AsyncIterator[Site]:
    recorder = Recorder(store, Instance(store.data / "run"))
    policy = PolicyEngine()
    gate = Gate(policy, recorder, minter())
    tokens = KnownTokens()
    app = build(
        [*ROUTES, *witness_api.ROUTES],
        {
            "witness": Witness(store, recorder),
            "gate": gate,
            "policy": policy,
            "store": store,
            "audit_log": AuditLog(store, recorder),
            "cursors": Cursors(b"c" * 32),
        },
        tokens,
    )

    def client(principal: Principal) -> httpx.AsyncClient:
        tokens.known[str(principal.id)] = principal
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),  # type: ignore[arg-type]  # litestar types its own messages
            base_url="http://node",
            headers={"authorization": f"Bearer {principal.id}"},
        )

    def person(role: Role) -> Principal:
        return Principal(new_id(), "person", tenant.id, "Nora North", role, 2)

    yield Site(recorder, client, person("viewer"), person("admin"))
    await gate.close()
    await recorder.close()


async def listed(site: Site, principal: Principal, **query: Any) -> dict[str, Any]:
    async with site.client(principal) as client:
        response = await client.get("/v1/audit", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_an_admin_sees_all_records_of_the_tenant_the_newest_first(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    refs = await site.recorder.append(record(tenant), record(other_tenant), record(tenant), record(None))

    page = await listed(site, site.admin, event_type="test.fact")

    assert [item["record"]["id"] for item in page["items"]] == [str(refs[2].id), str(refs[0].id)]
    assert [item["seq"] for item in page["items"]] == [1, 0]
    assert all(item["log"] == f"{tenant.id}/1" and len(item["hash"]) == 64 for item in page["items"])


async def test_everybody_else_sees_their_own_records_whatever_they_ask_for(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant, user_id=site.nora.id), record(tenant), record(tenant, user_id=None))

    page = await listed(site, site.nora, user_id=str(site.admin.id))

    users = {item["record"]["user_id"] for item in page["items"]}
    assert users == {str(site.nora.id)}
    events = [item["record"]["event_type"] for item in page["items"]]
    assert events == ["audit.read_own", "test.fact"]


async def test_pages_follow_each_other_without_a_gap_while_the_log_grows(site: Site, tenant: Tenant) -> None:
    refs = await site.recorder.append(*(record(tenant) for _ in range(7)))
    seen: list[int] = []
    token: str | None = None
    while True:
        page = await listed(
            site, site.admin, event_type="test.fact", limit=3, **({"page_token": token} if token else {})
        )
        seen += [item["seq"] for item in page["items"]]
        await site.recorder.append(record(tenant))
        token = page["next_page_token"]
        if token is None:
            break

    assert seen == [ref.seq for ref in reversed(refs)]


async def test_a_page_has_the_size_that_every_list_is_asked_for(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(*(record(tenant) for _ in range(3)))

    for asked in ({"page_size": 2}, {"limit": 2}, {"page_size": 2, "limit": 1}):
        assert len((await listed(site, site.admin, event_type="test.fact", **asked))["items"]) == 2
    async with site.client(site.admin) as client:
        assert (await client.get("/v1/audit", params={"page_size": 101})).status_code == 400


async def test_records_are_filtered_by_person_and_moment(site: Site, tenant: Tenant) -> None:
    wanted = new_id()
    old, new = record(tenant, user_id=wanted), record(tenant, user_id=wanted)
    await site.recorder.append(old, record(tenant), new)

    page = await listed(site, site.admin, user_id=str(wanted), after=old.created_at.isoformat())

    assert [item["record"]["id"] for item in page["items"]] == [str(new.id)]


async def test_a_name_is_shown_while_it_is_kept_and_its_commitment_always(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant, personal={"username": "nora.north"}))

    (item,) = (await listed(site, site.admin, event_type="test.fact"))["items"]

    assert item["record"]["personal"] == {"username": "nora.north"}
    assert len(item["commitments"]["username"]) == 64


async def test_a_forged_page_token_is_refused(site: Site) -> None:
    async with site.client(site.admin) as client:
        response = await client.get("/v1/audit", params={"page_token": "eyJyZWNvcmQiOjF9"})

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-cursor"


async def test_the_old_address_shows_the_same(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant))
    async with site.client(site.admin) as client:
        response = await client.get("/v1/admin/audit", params={"event_type": "test.fact"})

    assert len(response.json()["items"]) == 1


async def test_reading_the_record_is_recorded(site: Site) -> None:
    await listed(site, site.admin)

    page = await listed(site, site.admin, event_type="audit.read_all")

    assert [item["record"]["phase"] for item in page["items"]] == ["pre", "post", "pre"]


async def test_the_checkpoint_is_a_signed_note_of_the_present_head(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant))

    async with site.client(site.nora) as client:
        found = (await client.get("/v1/audit/checkpoint")).json()

    signer = site.recorder.signer
    checkpoint = verified(found["signed_note"], signer.public_key, origin=signer.origin(f"{tenant.id}/1"))
    assert (checkpoint.size, checkpoint.root.hex()) == (found["size"], found["root"])
    assert found["size"] == 2
    assert found["last_witnessed"] is None


async def test_a_timeline_holds_the_records_of_one_piece_of_work(site: Site, tenant: Tenant) -> None:
    work = new_id()
    await site.recorder.append(
        record(tenant, correlation_id=work, phase="pre"),
        record(tenant),
        record(tenant, correlation_id=work, phase="post"),
    )

    page = await listed(site, site.admin, correlation_id=str(work))

    assert [item["record"]["phase"] for item in page["items"]] == ["post", "pre"]
    assert (await listed(site, site.nora, correlation_id=str(work)))["items"] == []


async def test_a_period_takes_its_first_moment_and_leaves_out_its_last(site: Site, tenant: Tenant) -> None:
    start = dt.datetime(2020, 2, 3, 4, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=minute) for minute in range(4)]
    await site.recorder.append(*(record(tenant, created_at=at) for at in moments))

    page = await listed(site, site.admin, **{"from": moments[1].isoformat(), "to": moments[3].isoformat()})

    assert [item["seq"] for item in page["items"]] == [2, 1]


async def proof(site: Site, principal: Principal, record_id: uuid.UUID) -> httpx.Response:
    async with site.client(principal) as client:
        return await client.get(f"/v1/audit/{record_id}/proof")


async def test_a_record_is_proven_under_a_head_that_is_signed(site: Site, tenant: Tenant, other_tenant: Tenant) -> None:
    refs = await site.recorder.append(*(record(tenant) for _ in range(300)), record(other_tenant))
    for seq in (0, 255, 256, 299):
        found = (await proof(site, site.admin, refs[seq].id)).json()

        signed = verified(found["checkpoint"]["signed_note"], bytes.fromhex(found["public_key"]))
        leaf = leaf_hash(found["record"].encode())
        assert signed.size >= 301  # asking for it is itself recorded
        assert (found["entry"]["seq"], found["entry"]["hash"]) == (seq, leaf.hex())
        assert includes(signed.root, signed.size, seq, leaf, [bytes.fromhex(node) for node in found["proof"]])


async def test_a_proven_record_is_a_file_that_the_auditors_script_checks(
    site: Site, tenant: Tenant, tmp_path: Path
) -> None:
    refs = await site.recorder.append(*(record(tenant, metadata={"said": "Größe"}) for _ in range(3)))
    (tmp_path / "record.jsonl").write_text((await proof(site, site.admin, refs[1].id)).json()["file"])

    status, told = await checked(tmp_path / "record.jsonl")

    assert (status, "1 record, an excerpt" in told) == (0, True), told


async def test_everybody_proves_their_own_records_and_nobody_elses(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    own, theirs = await site.recorder.append(record(tenant, user_id=site.nora.id), record(tenant))
    (foreign,) = await site.recorder.append(record(other_tenant, user_id=site.nora.id))

    assert (await proof(site, site.nora, own.id)).status_code == 200
    for principal, other in (
        (site.nora, theirs.id),
        (site.nora, foreign.id),
        (site.admin, foreign.id),
        (site.admin, new_id()),
    ):
        refused = await proof(site, principal, other)
        assert (refused.status_code, refused.json()["code"]) == (404, "no-such-record")


async def test_many_prove_at_once_while_the_log_grows(site: Site, tenant: Tenant) -> None:
    refs = await site.recorder.append(*(record(tenant) for _ in range(20)))

    async def one(seq: int) -> None:
        await site.recorder.append(record(tenant))
        found = (await proof(site, site.admin, refs[seq].id)).json()
        signed = verified(found["checkpoint"]["signed_note"], bytes.fromhex(found["public_key"]))
        path = [bytes.fromhex(node) for node in found["proof"]]
        assert includes(signed.root, signed.size, seq, leaf_hash(found["record"].encode()), path)

    await asyncio.gather(*(one(seq) for seq in range(20)))


WATCHED = Signer(b"n" * 32)


def question(*words: str, old: int = 0, signer: Signer = WATCHED, origin: str = WATCHED.origin("node/1")) -> bytes:
    grown = Tree(leaf_hash(word.encode()) for word in words)
    note = signer.sign(Checkpoint(origin, grown.size, grown.root()))
    return str(Submission(old, tuple(grown.consistency_proof(min(old, grown.size))), note)).encode()


async def asked(site: Site, principal: Principal, body: bytes) -> httpx.Response:
    async with site.client(principal) as client:
        return await client.post("/v1/witness/add-checkpoint", content=body, headers={"content-type": "text/plain"})


async def test_a_witness_answers_over_http_as_the_standard_says(site: Site, store: Store) -> None:
    witness = Witness(store, site.recorder)
    await witness.watch(WATCHED.public_key.hex())

    given = await asked(site, site.admin, question("a", "b"))
    assert (given.status_code, given.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    head = Checkpoint(WATCHED.origin("node/1"), 2, Tree([leaf_hash(b"a"), leaf_hash(b"b")]).root())
    (found,) = cosignatures(f"\n\n{given.text}", head, [cosigner_of(store, site.recorder).key])
    assert found.line == given.text

    conflict = await asked(site, site.admin, question("a", "b", "c"))
    assert (conflict.status_code, conflict.headers["content-type"]) == (409, "text/x.tlog.size")
    assert conflict.text == "2\n"
    assert (await asked(site, site.admin, question("a", "b", "c", old=2))).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (question("a", "x"), 409),
        (question("a", "x", "c", old=2), 422),
        (question("a", "b", "c", old=2, signer=Signer(b"o" * 32)), 403),
        (question("a", origin=Signer(b"o" * 32).origin("node/1")), 404),
        (question("a").replace(b"old 0", b"old 2"), 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b"n" * 20_000, 413),
    ],
)
async def test_a_witness_refuses_over_http_as_the_standard_says(
    site: Site, store: Store, body: bytes, status: int
) -> None:
    await Witness(store, site.recorder).watch(WATCHED.public_key.hex())
    assert (await asked(site, site.admin, question("a", "b"))).status_code == 200

    assert (await asked(site, site.admin, body)).status_code == status


async def test_only_who_may_cosign_is_answered_and_a_fork_stays_in_the_record(site: Site, store: Store) -> None:
    await Witness(store, site.recorder).watch(WATCHED.public_key.hex())
    await asked(site, site.admin, question("a", "b"))

    assert (await asked(site, site.nora, question("a", "b", "c", old=2))).status_code == 403
    fork = question("a", "x", old=2)
    assert (await asked(site, site.admin, fork)).status_code == 409

    events = (await listed(site, site.admin, event_type="audit.cosign"))["items"]
    (kept,) = [one["record"] for one in events if one["record"]["result_status"] == "error"]
    assert kept["metadata"]["checkpoint"] == fork.decode().partition("\n\n")[2]
    assert kept["metadata"]["error"] == "head-forked"


async def test_the_checkpoint_says_when_it_was_last_witnessed(site: Site, tenant: Tenant) -> None:
    hub = Cosigner("witness.example/w1", b"w" * 32)
    await site.recorder.append(record(tenant))
    await trust(site.recorder, hub.key)
    (question_,) = (await ask(site.recorder, hub.key)).values()
    root = Tree([await _only_leaf(site)]).root()
    head = Checkpoint(site.recorder.signer.origin(f"{tenant.id}/1"), 1, root)
    async with site.client(site.nora) as client:
        assert (await client.get("/v1/audit/checkpoint")).json()["last_witnessed"] is None
        await take(site.recorder, str(question_), hub.sign(head, 1_800_000_000))
        told = (await client.get("/v1/audit/checkpoint")).json()

    assert (told["last_witnessed"], told["witnessed_size"]) == ("2027-01-15T08:00:00Z", 1)
    assert told["witnessed_by"] == "witness.example/w1"
    assert cosignatures(told["witnessed_note"], head, [hub.key])


async def _only_leaf(site: Site) -> bytes:
    (item,) = (await listed(site, site.admin, event_type="test.fact"))["items"]
    return bytes.fromhex(item["hash"])

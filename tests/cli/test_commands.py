"""Commands say what they did, in words for people or in JSON for programs, and end with a code that means something."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from appliance.client import open_door
from appliance.identity.values import utc_now
from appliance.store import create_master_key
from appliance.waiting import NotRunning
from tests.api.plant import MANUAL, QUESTION, TENANT, TORQUE, Plant
from tests.chat.test_chat_http import BESIDE, PROMISED
from tests.cli.shell import outpost
from tests.identity.site import App
from tests.node import free_port, with_own_password
from tests.packs.variants import VIEWERS

VERIFY = Path(__file__).resolve().parents[2] / "packaging" / "verify_audit.py"
WRONG_USE, NOT_FOUND, CONFLICT, NOT_RUNNING, DAMAGED = 2, 12, 13, 18, 19


def test_help_names_every_command_and_what_it_is_for() -> None:
    help_ = outpost("--help")

    assert help_.code == 0
    for command in (
        "run",
        "ask",
        "ingest",
        "audit",
        "eval",
        "doctor",
        "kiosk-code",
        "recover-key",
        "openapi",
        "tls",
        "keys",
        "vault",
    ):
        assert f" {command} " in help_.out
    assert outpost("run", "--help").code == 0
    assert outpost("--version").out.count(".") == 2


@pytest.mark.parametrize("words", [["ask"], ["nonsense"], ["ask", "x", "--bogus"], ["audit", "nonsense"]])
def test_wrong_use_is_code_2_and_says_what_was_wrong(words: list[str]) -> None:
    ended = outpost(*words)

    assert (ended.code, ended.out) == (WRONG_USE, "")
    assert re.fullmatch(r"refused: .+\nhint:    .+--help.+\n", ended.err)
    as_json = outpost(*words, "--json")
    assert (as_json.code, as_json.json["code"]) == (WRONG_USE, "wrong-use")


def test_a_path_that_cannot_be_used_is_code_2_and_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    in_the_way = outpost("run", "--data", tmp_path / "file", "--listen", f"127.0.0.1:{free_port()}")
    nowhere = outpost("openapi", tmp_path / "nowhere" / "openapi.json")

    for ended, named in ((in_the_way, "file"), (nowhere, "nowhere/openapi.json")):
        assert (ended.code, ended.out) == (WRONG_USE, "")
        assert re.fullmatch(rf"refused: {tmp_path}/{named}: .+\nhint:    .+\n", ended.err)


def test_a_full_disk_is_said_in_a_line_and_not_by_a_traceback() -> None:
    ended = outpost("openapi", "/dev/full")

    assert (ended.code, ended.out) == (NOT_RUNNING, "")
    assert re.fullmatch(r"refused: No space left on device\.\nhint:    Free space .+\n", ended.err)


def test_a_file_that_holds_no_questions_is_said_to_hold_none(tmp_path: Path) -> None:
    for content in ("# no JSON", '[{"id": 1}]', "[1]"):
        (tmp_path / "golden").write_text(content)
        ended = outpost("eval", tmp_path / "golden", "--data", tmp_path)
        assert (ended.code, ended.out) == (NOT_FOUND, "")
        assert ended.err.startswith("refused: golden does not hold golden questions.\nhint:    ")


def test_taking_in_nothing_is_wrong_use(tmp_path: Path) -> None:
    ended = outpost("ingest", "--data", tmp_path)

    assert ended.code == WRONG_USE
    assert "Name what to take in" in ended.err


def test_a_variable_that_is_no_setting_is_code_2_in_words_and_in_json() -> None:
    mistyped = {"OUTPOST_LISTNE": "127.0.0.1:9000"}

    ended = outpost("doctor", environment=mistyped)
    assert (ended.code, ended.out) == (WRONG_USE, "")
    assert ended.err.startswith("refused: OUTPOST_LISTNE is not a setting.\nhint:    ")
    as_json = outpost("ask", "x", "--json", environment=mistyped)
    assert (as_json.code, as_json.json["code"]) == (WRONG_USE, "invalid-setting")


def test_a_node_without_tls_does_not_listen_beyond_loopback_and_makes_nothing(tmp_path: Path) -> None:
    ended = outpost("run", "--data", tmp_path / "data", "--listen", "0.0.0.0:8000")

    assert ended.code == CONFLICT
    assert "TLS" in ended.err
    assert "outpost tls init" in ended.err
    assert not (tmp_path / "data").exists()


def test_a_node_that_was_not_set_up_says_so_at_once_and_makes_nothing(tmp_path: Path) -> None:
    words = ("run", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{free_port()}")
    ended = outpost(*words, environment={"OUTPOST_SHARE": str(tmp_path)})

    assert (ended.code, ended.out) == (NOT_RUNNING, "")
    assert re.fullmatch(r"refused: There is no index\.html in .+\nhint:    .*make run.*\n", ended.err)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [["ask", "x"], ["kiosk-code"], ["ingest", "README.md"]])
def test_a_node_that_is_not_running_is_code_18_with_a_hint(tmp_path: Path, words: list[str]) -> None:
    ended = outpost(*words, "--data", tmp_path)
    assert (ended.code, ended.out) == (NOT_RUNNING, "")
    assert "outpost run" in ended.err

    as_json = outpost(*words, "--data", tmp_path, "--json")
    assert as_json.code == NOT_RUNNING
    assert (as_json.json["code"], as_json.json["status"]) == ("not-running", 503)


async def test_asking_at_the_door_of_a_dead_node_leaves_nothing_open(tmp_path: Path) -> None:
    """A node that was killed leaves its socket behind, and nobody listens there."""
    left_behind = tmp_path / "outpost.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left_behind))

    before = psutil.Process().num_fds()
    for door_of_nobody in (left_behind, tmp_path / "absent.sock"):
        for _ in range(3):
            with pytest.raises(NotRunning):
                async with open_door(door_of_nobody) as door:
                    await door.get("/health/live")
    gc.collect()

    assert psutil.Process().num_fds() == before


def test_a_question_is_answered_in_words_with_its_source(plant: Plant) -> None:
    ended = outpost("ask", QUESTION, "--data", plant.node.data)

    assert ended.code == 0
    assert TORQUE in ended.out
    assert MANUAL in ended.out
    assert "revision C" in ended.out


def test_what_goes_into_a_pipe_is_neither_broken_nor_cut_off(plant: Plant, tmp_path: Path) -> None:
    heading = "Operation, maintenance and spare parts of the agitator AG-310 in the syrup room, second edition"
    value = "The gear oil of AG-310 is changed every 4000 operating hours, and the first time after 300 of them"
    (tmp_path / "ag-310.md").write_text(f"# {heading}\n\n{value}.\n")
    assert outpost("ingest", tmp_path, "--data", plant.node.data, "--wait").code == 0

    for question in ("How often is the gear oil of AG-310 changed?", "What does the agitator AG-310 weigh?"):
        told = outpost("ask", question, "--data", plant.node.data).out
        assert f"  ag-310.md · {heading}\n" in told
        assert value in told


def test_a_question_is_answered_in_json_as_the_api_does(plant: Plant) -> None:
    answer = outpost("ask", QUESTION, "--data", plant.node.data, "--json").json

    assert answer.keys() == PROMISED | BESIDE
    assert answer["citations"][0]["filename"] == MANUAL


def test_a_problem_of_the_node_ends_a_command_with_the_problems_own_code(plant: Plant) -> None:
    ended = outpost("ask", QUESTION, "--data", plant.node.data, "--tenant", "elsewhere")
    assert (ended.code, ended.out) == (NOT_FOUND, "")
    assert "no such tenant" in ended.err

    assert "message: the question is empty" in outpost("ask", " ", "--data", plant.node.data).err
    as_json = outpost("ask", " ", "--data", plant.node.data, "--json")
    assert (as_json.code, as_json.json["code"]) == (WRONG_USE, "invalid-input")


def test_files_are_taken_in_and_waited_for(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "valve-v7.md").write_text("# Valve V-7\n\nThe valve V-7 opens at 6 bar.\n")

    ended = outpost("ingest", tmp_path, "--data", plant.node.data, "--tenant", TENANT, "--wait", "--json")

    assert ended.code == 0, ended.err
    assert ended.json["failed"] == 0
    names = [one["filename"] for one in plant.person("viewer").get("/v1/documents").json()["items"]]
    assert any(name.endswith("valve-v7.md") for name in names)


@pytest.mark.parametrize(
    ("words", "code"), [(["--tenant", "elsewhere"], NOT_FOUND), (["--classification", "SECRET"], WRONG_USE)]
)
def test_what_is_wrong_for_every_file_is_refused_once(
    plant: Plant, tmp_path: Path, words: list[str], code: int
) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("# Nothing\n")

    ended = outpost("ingest", tmp_path, "--data", plant.node.data, *words)

    assert (ended.code, ended.out) == (code, "")
    assert re.fullmatch(r"refused: .+\nhint:    .+\n", ended.err)


def test_a_file_that_is_not_there_is_code_12(plant: Plant) -> None:
    assert outpost("ingest", "/nowhere/at/all.md", "--data", plant.node.data).code == NOT_FOUND


def test_a_kiosk_code_is_made_for_one_kiosk(plant: Plant) -> None:
    first, second = (outpost("kiosk-code", "--data", plant.node.data) for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert len(first.out.split()) == 1
    assert first.out != second.out


def test_the_record_of_a_running_node_is_verified(plant: Plant) -> None:
    ended = outpost("audit", "verify", "--data", plant.node.data)
    assert ended.code == 0, ended.out
    assert "as it was written" in ended.out

    as_json = outpost("audit", "verify", "--data", plant.node.data, "--json")
    assert (as_json.code, as_json.json["ok"]) == (0, True)


def test_the_receipt_of_an_answer_is_saved_with_its_code_beside_it_and_never_over_another(
    plant: Plant, tmp_path: Path
) -> None:
    out, words = tmp_path / "pump.json", ("ask", "How hot may the bearing get?", "--data", plant.node.data)
    ended = outpost(*words, "--receipt", out, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["receipt"]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (tmp_path / "pump.json.svg").read_text().startswith("<svg")
    checked = subprocess.run(
        [sys.executable, "-I", "-S", VERIFY, out], capture_output=True, text=True, check=False, cwd="/"
    )
    assert (checked.returncode, "as it was given and recorded" in checked.stdout) == (0, True), checked.stdout

    (tmp_path / "other.json.svg").write_text("mine")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    for name in ("pump.json", "other.json"):  # of the second only the code is there
        again = outpost(*words, "--receipt", tmp_path / name)
        assert "is already there" in again.err
        assert again.code >= 10
    nowhere = outpost(*words, "--receipt", tmp_path / "nowhere" / "pump.json")
    assert nowhere.code == WRONG_USE
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == before


def test_a_period_of_the_record_is_exported_and_one_that_ends_before_it_begins_is_refused(
    plant: Plant, tmp_path: Path
) -> None:
    out, data = tmp_path / "period.txt", plant.node.data
    taken = outpost(
        "audit", "export", "--out", out, "--from", "2020-01-01", "--data", data, "--format", "jsonl", "--json"
    )
    assert taken.code == 0, taken.err
    assert taken.json["records"] == taken.json["size"] > 0
    assert json.loads(out.read_text().splitlines()[0])["whole"] is False

    for words in (
        ("--from", "2026-11-02", "--to", "2026-11-02"),
        ("--from", "2026-11-02T00:00:00+02:00", "--to", "2026-11-01"),
    ):
        ended = outpost("audit", "export", tmp_path / "none.jsonl", *words, "--data", data)
        assert (ended.code, ended.out) == (WRONG_USE, "")
        assert re.fullmatch(r"refused: .+ is not before .+\nhint:    .+UTC.+\n", ended.err)
    assert outpost("audit", "export", tmp_path / "none.jsonl", "--from", "yesterday", "--data", data).code == WRONG_USE
    assert not (tmp_path / "none.jsonl").exists()


def test_there_is_no_record_to_verify_where_there_is_no_node_and_none_is_made(tmp_path: Path) -> None:
    ended = outpost("audit", "verify", "--data", tmp_path / "data", "--json")

    assert ended.code >= 10
    assert ended.json["hint"]
    assert not (tmp_path / "data").exists()


def test_the_description_of_the_api_is_the_one_that_the_node_serves(plant: Plant, tmp_path: Path) -> None:
    assert outpost("openapi", tmp_path / "openapi.json").code == 0

    with plant.stranger() as client:
        assert json.loads((tmp_path / "openapi.json").read_text()) == client.get("/openapi.json").json()


def states(words: list[dict[str, str]]) -> dict[str, str]:
    """The state of each finding; how full the machine's disk is says nothing about the node."""
    return {one["subject"]: one["state"] for one in words if one["subject"] != "disk"}


def test_the_doctor_finds_a_running_node_well(plant: Plant) -> None:
    for one in plant.node.credentials():
        plant.node.own(one["role"], one["tenant"])
    ended = outpost("doctor", "--data", plant.node.data, "--json")

    found = states(ended.json)
    # The people of the first start have chosen their own passwords; the file can go.
    assert found.pop("sign-ins") == "note"
    assert set(found.values()) <= {"ok", "note"}
    assert found[f"limits of {TENANT}"] == "note"
    assert found["database"] == found["record"] == found["worker"] == "ok"
    assert "demo" not in found
    words = outpost("doctor", "--data", plant.node.data)
    assert "ok" in words.out
    assert words.code == ended.code


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(plant: Plant, tmp_path: Path) -> None:
    nothing = outpost("doctor", "--data", tmp_path / "none")
    assert nothing.code == 1
    assert "outpost run" in nothing.out
    assert not (tmp_path / "none").exists()

    broken = tmp_path / "broken"
    shutil.copytree(plant.node.data, broken, ignore=shutil.ignore_patterns("run"))
    broken.chmod(0o755)
    (broken / "credentials.json").chmod(0o644)
    (broken / "keys" / "master.key").unlink()
    ended = outpost("doctor", "--data", broken, "--json")
    assert ended.code == 1
    assert (states(ended.json)["broken"], states(ended.json)["master.key"]) == ("bad", "bad")
    assert states(ended.json)["credentials.json"] == "bad"
    assert all(one["advice"] for one in ended.json if one["state"] == "bad")
    assert states(ended.json)["node"] == "note"


def test_first_passwords_are_for_a_demo_alone(plant: Plant, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    standing = [one | plant.node.own(one["role"], one["tenant"]) for one in plant.node.credentials()]
    shutil.copytree(plant.node.data, copy, ignore=shutil.ignore_patterns("run"))
    (copy / "credentials.json").write_text(json.dumps(standing))
    first = {one["subject"]: one for one in outpost("doctor", "--data", copy, "--json").json}
    assert first["sign-ins"]["state"] == "bad"
    assert "3 of 3" in first["sign-ins"]["fact"]

    (copy / "demo").touch()
    assert states(outpost("doctor", "--data", copy, "--json").json)["sign-ins"] == "note"
    (copy / "demo").unlink()
    changed = json.loads((copy / "credentials.json").read_text())
    (copy / "credentials.json").write_text(json.dumps([one | {"password": "another"} for one in changed]))
    assert states(outpost("doctor", "--data", copy, "--json").json)["sign-ins"] == "note"
    (copy / "credentials.json").write_text("{")
    assert states(outpost("doctor", "--data", copy, "--json").json)["sign-ins"] == "bad"


@pytest.mark.parametrize("place", [0, 0.5], ids=["where it begins", "in the middle"])
@pytest.mark.parametrize("file", ["control.db", "audit.db"])
def test_the_doctor_finds_a_damaged_file_of_a_stopped_node(
    plant: Plant, tmp_path: Path, file: str, place: float
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(plant.node.data, broken, ignore=shutil.ignore_patterns("run", "*-wal", "*-shm", "credentials.json"))
    assert states(outpost("doctor", "--data", broken, "--json").json)["stored record"] == "ok"
    content = bytearray((broken / file).read_bytes())
    at = int(len(content) * place)
    content[at : at + 64] = bytes(64)
    (broken / file).write_bytes(content)

    ended = outpost("doctor", "--data", broken, "--json")

    assert ended.code == 1
    subject = {"control.db": "stored people and tenants", "audit.db": "stored record"}[file]
    assert [one["subject"] for one in ended.json if one["state"] == "bad" and one["subject"] != "disk"] == [subject]
    assert all(one["advice"] for one in ended.json if one["state"] == "bad")
    if not place:
        exported = outpost("audit", "export", tmp_path / "out.jsonl", "--data", broken)
        assert (exported.code, exported.out) == (DAMAGED, "")
        assert "\nhint:    " in exported.err


def test_a_node_whose_key_is_gone_does_not_start_and_says_why_once(plant: Plant, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(plant.node.data, broken, ignore=shutil.ignore_patterns("run"))
    (broken / "keys" / "master.key").unlink()

    ended = outpost("run", "--data", broken, "--listen", f"127.0.0.1:{free_port()}")

    assert ended.code == DAMAGED
    assert ended.err.count("refused: keys/master.key is not there.\nhint:    ") == 1
    assert "Traceback" not in ended.err


def test_a_lost_master_key_is_made_again_from_the_code_that_was_shown_and_from_no_other(tmp_path: Path) -> None:
    code, master = str(create_master_key(tmp_path / "keys")), tmp_path / "keys" / "master.key"
    lost = master.read_bytes()
    master.unlink()

    wrong = outpost("recover-key", "--data", tmp_path, "--json", typed="0000-0000\n")
    assert (wrong.code, wrong.json["code"], master.exists()) == (WRONG_USE, "wrong-recovery-code", False)

    assert outpost("recover-key", "--data", tmp_path, typed=f"{code}\n").code == 0
    assert master.read_bytes() == lost
    assert master.stat().st_mode & 0o077 == 0
    assert code not in wrong.out + wrong.err


def test_a_second_node_on_the_same_data_is_refused_and_the_first_goes_on(plant: Plant) -> None:
    before = plant.node.pids()

    ended = outpost("run", "--data", plant.node.data, "--listen", "127.0.0.1:0")

    assert ended.code == CONFLICT
    assert "already" in ended.err
    assert plant.node.pids() == before
    assert plant.person("viewer").get("/v1/auth/me").status_code == 200


def test_a_second_node_at_the_same_address_is_refused_before_it_makes_its_keys(plant: Plant, tmp_path: Path) -> None:
    ended = outpost("run", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{plant.node.port}")

    assert ended.code == CONFLICT
    assert f"port {plant.node.port}" in ended.err
    assert not (tmp_path / "data" / "keys").exists()


def test_a_policy_pack_is_changed_compared_put_in_force_and_taken_back(plant: Plant, tmp_path: Path) -> None:
    at = ("--data", plant.node.data)
    folder = tmp_path / "pack"
    assert outpost("policy", "export", folder, *at).code == 0
    cedar = folder / "policies.cedar"
    cedar.write_text(cedar.read_text().replace(VIEWERS, f'{VIEWERS}    Action::"usage.read",\n'))
    assert "sound" in outpost("policy", "check", folder).out
    version = outpost("policy", "stage", folder, *at, "--json").json["version"]

    shown = outpost("policy", "preview", version, *at)
    refused = outpost("policy", "activate", version, *at)

    assert "usage.read" in shown.out
    assert (refused.code, "outpost policy preview" in refused.err) == (13, True)
    word = outpost("policy", "preview", version, *at, "--json").json["confirm"]
    try:
        assert outpost("policy", "activate", version, "--confirm", word, *at).code == 0
        explained = outpost("policy", "explain", "--as", "viewer", "usage.read", "model", *at)
        assert explained.out.startswith("allowed: viewer usage.read model\n  by viewers-ask-and-read: ")
    finally:
        assert outpost("policy", "rollback", *at).code == 0
    assert outpost("policy", "explain", "--as", "viewer", "usage.read", "model", *at).out.startswith("refused")
    assert [one["what"] for one in outpost("policy", "history", *at, "--json").json["items"]][:2] == [
        "rollback",
        "activate",
    ]


def test_a_policy_pack_is_not_written_over_files(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    refused = outpost("policy", "export", tmp_path, "--data", plant.node.data)

    assert (refused.code, sorted(one.name for one in tmp_path.iterdir())) == (2, ["mine.txt"])


def test_a_key_is_made_listed_rotated_and_revoked(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    made = outpost("key", "create", "MES", "--scope", "auth.me", "--days", "7", *data, "--json")
    listed = outpost("key", "list", *data, "--json").json["items"]
    rotated = outpost("key", "rotate", made.json["id"], *data)
    with plant.stranger() as program:
        old = program.get("/v1/auth/me", headers={"x-api-key": made.json["key"]})
        now = program.get("/v1/auth/me", headers={"x-api-key": rotated.out.split()[0]})
    revoked = outpost("key", "revoke", made.json["id"], *data)
    wrong = outpost("key", "create", "x", "--scope", "no.such", *data, "--json")

    assert made.json["id"] in {one["id"] for one in listed}
    assert "key" not in listed[0]
    assert (old.status_code, now.status_code, now.json()["kind"]) == (401, 200, "service")
    assert "off" in revoked.out
    assert (wrong.code, wrong.json["code"], wrong.json["scopes"]) == (WRONG_USE, "scope-refused", ["no.such"])
    assert outpost("key", "revoke", "00000000-0000-4000-8000-000000000000", *data).code == NOT_FOUND


def test_a_token_is_issued_for_minutes_and_does_what_its_role_may(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    token = outpost("token", "issue", "--role", "viewer", "--ttl", "5", *data)
    told = outpost("token", "issue", "--role", "operator", "--scope", "auth.me", *data, "--json")
    with plant.stranger() as program:
        headers = {"authorization": f"Bearer {token.out.strip()}"}
        codes = [program.get(path, headers=headers).status_code for path in ("/v1/documents", "/v1/admin/users")]

    assert codes == [200, 403]
    assert (told.json["role"], told.json["scopes"]) == ("operator", ["auth.me"])
    assert outpost("token", "issue", "--role", "viewer", "--ttl", "1441", *data).code == WRONG_USE
    assert outpost("key", "rotate", told.json["id"], *data).code != 0


def test_a_duty_is_given_shown_and_taken(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    with plant.node.owner() as door:
        door.post(
            "/v1/admin/users", json={"username": "iris", "display_name": "Iris", "role": "viewer"}
        ).raise_for_status()
    given = outpost("duty", "give", "iris", "auditor", "--until", "2099-01-31", *data, "--json")
    soon = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    audits = outpost("duty", "give", "iris", "auditor", "--until", soon, *data, "--json")
    taken = outpost("duty", "take", "iris", "auditor", *data, "--json")
    nobody = outpost("duty", "give", "nobody", "approver", *data)

    assert given.code == WRONG_USE
    assert (audits.code, audits.json["duties"]) == (0, [{"duty": "auditor", "until": soon}])
    assert (taken.code, taken.json["duties"]) == (0, [])
    assert nobody.code == NOT_FOUND


def test_the_key_of_an_auditor_reads_the_record_and_nothing_else(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    key = outpost("key", "create", "Audit", "--auditor", "--days", "30", *data, "--json").json["key"]
    with plant.stranger() as program:
        paths = ("/v1/audit", "/v1/documents", "/v1/admin/users")
        codes = [program.get(path, headers={"x-api-key": key}).status_code for path in paths]

    assert codes == [200, 403, 403]


def test_the_owner_lets_somebody_in_who_lost_their_second_factor(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    with plant.node.owner() as door:
        new = {"username": "lost", "display_name": "Lost", "role": "viewer"}
        made = door.post("/v1/admin/users", json=new).raise_for_status().json()
        tenant = next(one["slug"] for one in door.get("/v1/admin/tenants").json()["items"])
    who = {"tenant": tenant, "username": "lost", "password": made["password"]}
    with plant.stranger() as client:
        who["password"], token = with_own_password(client, **who)
        client.headers["authorization"] = f"Bearer {token}"
        asked = {"action": "factors.enrol", "password": who["password"]}
        confirmed = {"x-step-up": client.post("/v1/auth/step-up", json=asked).json()["step_up"]}
        offer = client.post("/v1/auth/factors/totp", headers=confirmed).json()
        code = {"code": App(offer["secret"], utc_now).code()}
        client.post(f"/v1/auth/factors/{offer['id']}/confirm", json=code).raise_for_status()
        assert client.post("/v1/auth/login", json=who).json()["code"] == "second-factor-required"

        ended = outpost("reset-factors", "LOST", *data, "--json")

        assert (ended.code, ended.json) == (0, {"id": made["id"], "username": "lost"})
        assert client.post("/v1/auth/login", json=who).status_code == 200
    assert outpost("reset-factors", "nobody", *data).code == NOT_FOUND


def test_the_owner_gives_a_password_for_one_sign_in_to_somebody_who_lost_theirs(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    with plant.node.owner() as door:
        new = {"username": "forgot", "display_name": "Forgot", "role": "viewer"}
        door.post("/v1/admin/users", json=new).raise_for_status()
        tenant = next(one["slug"] for one in door.get("/v1/admin/tenants").json()["items"])
    given = outpost("reset-password", "Forgot", *data, "--json")
    assert given.code == 0, given.err
    who = {"tenant": tenant, "username": "forgot", "password": given.json["password"]}
    with plant.stranger() as client:
        assert client.post("/v1/auth/login", json=who).raise_for_status().json()["must_change_password"] is True
    assert outpost("reset-password", "nobody", *data).code == NOT_FOUND


def test_a_plant_is_added_with_its_admin_and_switched_off_again(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    added = outpost("tenant", "add", "zinc", "Zinc works", *data, "--json")
    assert added.code == 0, added.err
    body = {"tenant": "zinc", "username": added.json["username"], "password": added.json["password"]}
    with plant.stranger() as anybody:
        assert anybody.post("/v1/auth/login", json=body).status_code == 200
        off = outpost("tenant", "off", "zinc", *data)
        assert (off.code, off.out) == (0, "zinc             off  Zinc works\n")
        assert anybody.post("/v1/auth/login", json=body).status_code == 403

    assert outpost("tenant", "add", "zinc", "Another", *data).code == CONFLICT
    assert outpost("tenant", "off", TENANT, *data).code == CONFLICT
    assert outpost("tenant", "on", "nowhere", *data).code == NOT_FOUND
    assert "off  Zinc works" in outpost("tenant", "list", *data).out

"""With no network at all a node starts, answers and stops; with one, it holds no line to it."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.api.plant import MANUAL, TORQUE
from tests.node import ROOT

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
A_DAY = """
import fcntl, json, psutil, socket, struct, sys
from pathlib import Path
from tests.api.plant import QUESTION, running_plant

with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, int(sys.argv[2]), struct.pack("16sh", b"lo", int(sys.argv[3])))
assert len(Path("/proc/self/net/route").read_text().splitlines()) == 1, "there is a way out"

def lines():
    found = []
    for pid in plant.node.pids().values():
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            found += [[one.name(), list(line.laddr), list(line.raddr)] for line in one.net_connections("inet")]
    return found

with running_plant(Path(sys.argv[1])) as plant:
    answer = plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()
    parts = plant.person("admin").get("/v1/health/components").raise_for_status().json()["components"]
    held = lines()
print(json.dumps({"answer": answer, "parts": parts, "lines": held}))
"""


def test_with_the_cable_out_a_fresh_node_takes_a_manual_in_and_quotes_it(tmp_path: Path) -> None:
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    command = [*apart, sys.executable, "-c", A_DAY, str(tmp_path), str(SIOCSIFFLAGS), str(IFF_UP)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)

    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert TORQUE in told["answer"]["answer"]
    assert told["answer"]["citations"][0]["filename"] == MANUAL
    assert {part["name"]: part["state"] for part in told["parts"] if part["name"] != "disk"} == dict.fromkeys(
        (
            "database",
            "record",
            "policy",
            "index",
            "models",
            "chat",
            "vault",
            "worker",
            "queue",
            "clock",
            "tls",
            "limits",
        ),
        "ok",
    )
    assert told["lines"], "the node listens somewhere"
    for _name, here, there in told["lines"]:
        assert ipaddress.ip_address(here[0]).is_loopback
        assert there == [] or ipaddress.ip_address(there[0]).is_loopback

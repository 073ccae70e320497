"""The heads of all logs of a node in one signed note (c2sp.org/signed-note): what to keep of a node that has many. Pure.

outpost/3f2a...c1/heads                  the node; no log has this name, so it is no checkpoint
time 1795885200                          by the node's clock, POSIX seconds
8c0e.../1 1804 qINS1GRFhWHwdkUe...=      log, records, root: sorted by log
node/1 96 Pm4x...=
                                         (an empty line ends the signed text)
- outpost/3f2a...c1/heads Gvx0...        Ed25519, as on a checkpoint
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from appliance.audit.notes import Signer
from appliance.audit.values import LogName


def heads_note(signer: Signer, at: int, heads: Mapping[LogName, tuple[int, bytes]]) -> str:
    """The list of `heads` (records and root of each log) at a moment, signed."""
    name = signer.origin("heads")
    lines = (f"{log} {size} {base64.b64encode(root).decode()}" for log, (size, root) in sorted(heads.items()))
    return signer.note(name, "".join(f"{line}\n" for line in (name, f"time {at}", *lines)))

"""Ends a model server of this node by its process id. Whoever keeps the node running starts it again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import psutil

from appliance.errors import NotFound

SMALL: Final = "models"
"""The server of the small models."""
CHAT: Final = "chat "
"""How the names of those of chat models begin."""
SUPERVISOR: Final = "supervisor"


class NoSuchModelServer(NotFound):
    """No model server of this node has this process id. No other process is ever ended."""

    code, title = "no-such-model-server", "That is no model server of this node"
    hint = (
        "`GET /v1/admin/processes` lists the processes; only `models` and those that begin with `chat` can be stopped."
    )


def stop(pid: int, processes: Callable[[], Mapping[str, int]]) -> str:
    """Send SIGTERM to the model server with this id, and return its name.

    The process is held by a descriptor before it is looked up: an id that was given to another process in between
    cannot lead the signal astray.

    Raises:
        NoSuchModelServer: the id is not that of a model server which this node's supervisor started.
    """
    try:
        held = os.pidfd_open(pid)
    except (OSError, ValueError, OverflowError):
        raise NoSuchModelServer(f"No model server runs with the process id {pid}.") from None
    try:
        listed = processes()
        name = next(
            (name for name, one in listed.items() if one == pid and (name == SMALL or name.startswith(CHAT))), None
        )
        if name is None or _parent_of(pid) != listed.get(SUPERVISOR):
            raise NoSuchModelServer(f"No model server of this node has the process id {pid}.")
        with suppress(ProcessLookupError):  # it has just ended by itself
            signal.pidfd_send_signal(held, signal.SIGTERM)
        return name
    finally:
        os.close(held)


def _parent_of(pid: int) -> int | None:
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return None

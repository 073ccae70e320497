from __future__ import annotations

import threading
import time
import uuid

from appliance.store import new_id


def test_ids_of_one_process_only_rise() -> None:
    ids = [new_id() for _ in range(5000)]

    assert ids == sorted(set(ids))


def test_ids_made_by_threads_at_once_are_all_different() -> None:
    made: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 8000


def test_an_id_is_a_uuid_of_version_7_that_carries_the_present_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    # Ids made in a burst may run a little ahead of the clock, never behind it.
    assert before <= made.int >> 80 <= after + 1000

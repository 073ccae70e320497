"""`make faults`: every fault that a node is to survive, tried again and again, and what was lost.

    python -m tests.faults [--kills 200] [--quick] [FAULT ...]     a fault by words that its row begins with

Each row is tests that are also run without it; here they try all there is. The exit code is 1 when anything was lost or is
not as it should be, when a test failed, and when one that should have tried did not.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from rich.console import Console
from rich.table import Table

HERE: Final = "tests/faults/"
STEPS: Final = HERE + "test_every_step.py::"
RECORDS: Final = STEPS + "test_of_a_record_nothing_acknowledged_is_lost_at_any_step"
JOBS: Final = STEPS + "test_of_the_jobs_of_a_node_none_is_lost_or_done_twice_at_any_step"
EXPORT: Final = "tests/attacks/test_record_export.py::"
STORED: Final = "tests/attacks/test_record_tampering.py::"
RECOVERY: Final = "tests/audit/test_recovery.py::"

FAULTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("append: killed or without power at every call", (f"{RECORDS}[append]",)),
    ("relay: killed or without power at every call", (f"{RECORDS}[relay]",)),
    ("checkpoint: killed or without power at every call", (f"{RECORDS}[checkpoint]",)),
    (
        "pre-record left open: aborted or unknown",
        (
            f"{RECOVERY}test_a_killed_process_leaves_a_pre_record_that_is_closed_once_as_it_ended",
            f"{RECOVERY}test_work_with_outside_effects_ends_as_unknown",
        ),
    ),
    ("claim: killed or without power at every call", (f"{JOBS}[claim]", f"{JOBS}[work]")),
    ("finish: killed or without power at every call", (f"{JOBS}[finish]",)),
    (
        "claim, finish: killed at every statement of a hub",
        (STEPS + "test_of_the_jobs_of_a_hub_none_is_lost_or_done_twice_at_any_statement",),
    ),
    (
        "two workers claim one job",
        (
            "tests/jobs/test_worker.py::test_two_workers_never_run_the_same_job",
            "tests/jobs/test_queue.py::test_two_claims_at_once_take_two_jobs",
        ),
    ),
    ("worker killed in the middle of its job", (HERE + "test_worker_kills.py",)),
    ("any process killed under load", (HERE + "test_kill_nine.py",)),
    ("disk full", (HERE + "test_disks.py::test_on_a_full_disk_people_are_answered_and_recorded_from_room_that_was_kept",)),
    ("disk read-only or gone, also of the record", (HERE + "test_disks.py::test_without_its_disk_a_node_refuses_says_why_and_goes_on_by_itself",)),
    ("clock to 1970, 2038, back while it writes", (HERE + "test_clocks.py",)),
    ("export: every byte flipped", (EXPORT + "test_every_bit_of_every_byte_flipped_is_found",)),
    ("export: tail cut", (EXPORT + "test_an_end_cut_off_is_found_wherever_it_is_cut", EXPORT + "test_a_tail_cut_with_its_heads_lacks_what_the_checkpoint_knows")),
    ("export: record swapped", (EXPORT + "test_records_swapped_with_their_places_are_bounded", STORED + "test_two_records_swapped_are_found")),
    ("export: log forked", (EXPORT + "test_a_log_forked_with_the_key_does_not_fit_a_checkpoint_that_was_kept",)),
    ("export: proof forged", (EXPORT + "test_a_forged_proof_proves_nothing",)),
    ("encrypted file: bytes flipped, tail lost", (STORED + "test_flipped_bytes_in_the_encrypted_file_are_damage", STORED + "test_a_lost_tail_of_the_write_ahead_log_does_not_match_the_saved_head")),
)  # fmt: skip


@dataclass
class Row:
    """What the tests of one fault say; `unsaid` failed, or could not try here."""

    numbers: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def bad(self) -> bool:
        return bool(self.failed or self.numbers["lost"] or self.numbers["corrupt"] or not self.numbers["tries"])


class Listening:
    """Listens to pytest; a row for each fault that was asked for."""

    def __init__(self, faults: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self._faults = faults
        self.rows = {name: Row() for name, _ in faults}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = next((name for name, tests in self._faults if any(report.nodeid.startswith(one) for one in tests)), None)
        if name is None:
            return
        row = self.rows[name]
        row.seconds += report.duration
        if report.failed:
            row.failed.append(f"{report.nodeid} ({report.when})")
        if report.skipped:
            row.skipped.append(str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "skipped")
        if report.when == "teardown" and not row.skipped:
            said = {key: int(str(value)) for key, value in report.user_properties if str(value).isdecimal()}
            # A test that counts nothing is one try; what an attack did not find has been let through.
            said.setdefault("tries", 1)
            row.numbers["corrupt"] += said["tries"] - said["refused"] if said.get("refused") else 0
            row.numbers.update({key: said.get(key, 0) for key in ("tries", "acknowledged", "lost", "corrupt")})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="of workers, and of processes under load")
    parser.add_argument("--quick", action="store_true", help="try some of it, as the tests do")
    parser.add_argument("faults", nargs="*", help="only the rows that begin so")
    arguments = parser.parse_args()
    os.environ["FAULTS"] = "" if arguments.quick else "deep"
    os.environ["FAULTS_KILLS"] = str(arguments.kills)
    wanted = tuple(arguments.faults) or ("",)
    faults = [one for one in FAULTS if one[0].startswith(wanted)]
    listening = Listening(faults)
    began = time.monotonic()
    # What pytest says goes to the error stream: the table stands alone.
    out, sys.stdout = sys.stdout, sys.stderr
    code = pytest.main(
        ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", *(test for _, tests in faults for test in tests)],
        plugins=[listening],
    )
    sys.stdout = out
    _show(listening.rows, minutes=(time.monotonic() - began) / 60)
    return 1 if code or not faults or any(row.bad and not row.skipped for row in listening.rows.values()) else 0


def _show(rows: dict[str, Row], *, minutes: float) -> None:
    table = Table("fault", box=None, pad_edge=False)
    for column in ("tries", "acknowledged", "lost", "corrupt", "seconds"):
        table.add_column(column, justify="right")
    for name, row in rows.items():
        numbers = [str(row.numbers[one]) for one in ("tries", "acknowledged", "lost", "corrupt")]
        table.add_row(name, *numbers, f"{row.seconds:.0f}")
    console = Console(file=sys.stdout, highlight=False, width=120)
    console.print(table)
    for name, row in rows.items():
        for one in row.failed:
            console.print(f"failed: {name}: {one}")
        for why in set(row.skipped):
            console.print(f"not tried here: {name}: {why}")
    console.print(f"{minutes:.1f} minutes")


if __name__ == "__main__":
    sys.exit(main())

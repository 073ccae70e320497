"""The last day of samples, in one file that never grows.

    record = minute u64 | 13 buckets u64 | failed, questions, findings, waiting, free, memory u64 | CRC-32 of these u32
    file   = 1440 records; that of a minute stands at `minute % 1440`

Little endian. A record that is torn or of another day is as good as none. It holds numbers alone, and nobody's data.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Final

from appliance.vitals.rules import BOUNDS, MINUTES, Sample, merged

BUCKETS: Final = len(BOUNDS) + 1
_FIELDS: Final = struct.Struct(f"<{1 + BUCKETS + 6}Q")
_CRC: Final = struct.Struct("<I")
RECORD: Final = _FIELDS.size + _CRC.size
SIZE: Final = RECORD * MINUTES


class Ring:
    """Args:
    path: made when first written to; one of another size is made anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, sample: Sample) -> None:
        """Keep a sample; put together with what was kept of the same minute before. Raises OSError."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size != SIZE:
                # Room is taken once: a full disk then keeps no minute from being written.
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, bytes(SIZE), 0)
            place = sample.minute % MINUTES * RECORD
            known = _read(os.pread(descriptor, RECORD, place))
            if known is not None and known.minute == sample.minute:
                sample = merged(known, sample)
            os.pwrite(descriptor, _written(sample), place)
        finally:
            os.close(descriptor)

    def samples(self) -> list[Sample]:
        """What is kept, in no order; nothing where nothing can be read."""
        try:
            content = self._path.read_bytes()
        except OSError:
            return []
        if len(content) != SIZE:
            return []
        found = (_read(content[place : place + RECORD]) for place in range(0, SIZE, RECORD))
        return [one for one in found if one is not None]


def _written(one: Sample) -> bytes:
    levels = (one.failed, one.questions, one.findings, one.waiting, one.free, one.memory)
    fields = _FIELDS.pack(one.minute, *one.times, *levels)
    return fields + _CRC.pack(zlib.crc32(fields))


def _read(record: bytes) -> Sample | None:
    fields, crc = record[: _FIELDS.size], record[_FIELDS.size :]
    if len(record) != RECORD or _CRC.unpack(crc)[0] != zlib.crc32(fields):
        return None
    minute, *numbers = _FIELDS.unpack(fields)
    return Sample(minute, tuple(numbers[:BUCKETS]), *numbers[BUCKETS:]) if minute else None

r"""The tree of a log: RFC 6962, section 2.1, with SHA-256. Pure: no file, no clock, no key.

    leaf hash   SHA-256(0x00 || record bytes)
    node hash   SHA-256(0x01 || left || right)
    empty tree  SHA-256("")

A tree of n leaves splits at the largest power of two below n, so its complete left subtrees never change:

            root(7)
           /       \
         abcd      efg          Frontier(7) = (abcd, ef, g)
        /    \    /   \
       ab    cd  ef    g
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The complete subtrees of a tree, largest first: all that an append and a root need, at most 64 hashes."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count() or any(len(peak) != 32 for peak in self.peaks):
            raise ValueError("a frontier holds one 32-byte peak for each bit set in its size")

    def append(self, leaf: bytes) -> Frontier:
        """Return the frontier with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        peaks, size = list(self.peaks), self.size
        for leaf in leaves:
            peak = leaf
            carry = size
            while carry & 1:
                peak = node_hash(peaks.pop(), peak)
                carry >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """The peaks, one after the other; the size stands beside them wherever they are kept."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> Frontier:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the bytes do not fit the size.
        """
        if len(raw) % 32:
            raise ValueError("a frontier is a whole number of hashes")
        return cls(size, tuple(raw[at : at + 32] for at in range(0, len(raw), 32)))


TILE = 256
"""Leaves of a tile; a power of two (c2sp.org/tlog-tiles)."""


class Proving(ABC):
    """Roots and proofs of a tree, from the hashes of its complete subtrees: O(log n) of them for each."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many leaves there are."""

    @abstractmethod
    def node(self, level: int, index: int) -> bytes:
        """The complete subtree over the leaves [index << level, (index + 1) << level), all of which are there."""

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves (of all of them when not given)."""
        end = self.size if size is None else size
        self._within(end)
        return self._range(0, end) if end else EMPTY_ROOT

    def frontier(self, size: int) -> Frontier:
        """The frontier of the first `size` leaves."""
        self._within(size)
        peaks, start = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                peaks.append(self.node(level, start >> level))
                start += 1 << level
        return Frontier(size, tuple(peaks))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf `index` in the tree of the first `size` leaves, nearest sibling first."""
        end = self.size if size is None else size
        self._within(end)
        if not 0 <= index < end:
            raise ValueError(f"leaf {index} is not in a tree of {end}")
        return self._path(index, 0, end)

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """The proof that the tree of the first `old` leaves is a prefix of the tree of the first `size`."""
        end = self.size if size is None else size
        self._within(end)
        if not 0 <= old <= end:
            raise ValueError(f"a tree of {end} has no prefix of {old}")
        return [] if old in {0, end} else self._subproof(old, 0, end, whole=True)

    def _within(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree has {self.size} leaves, not {size}")

    def _range(self, start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1) == 0 and start % width == 0:
            level = width.bit_length() - 1
            return self.node(level, start >> level)
        split = start + _split(width)
        return node_hash(self._range(start, split), self._range(split, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        split = start + _split(end - start)
        if index < split:
            return [*self._path(index, start, split), self._range(split, end)]
        return [*self._path(index, split, end), self._range(start, split)]

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._range(start, end)]
        split = start + _split(end - start)
        if old <= split:
            return [*self._subproof(old, start, split, whole=whole), self._range(split, end)]
        return [*self._subproof(old, split, end, whole=False), self._range(start, split)]


class Tree(Proving):
    """A tree that holds all of its leaf hashes."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]  # _levels[k][i] is the complete subtree of leaves [i << k, (i + 1) << k)
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0])

    def node(self, level: int, index: int) -> bytes:
        return self._levels[level][index]

    def append(self, leaf: bytes) -> None:
        node, level = leaf, 0
        while True:
            row = self._levels[level]
            row.append(node)
            if len(row) % 2:
                return
            node = node_hash(row[-2], row[-1])
            level += 1
            if level == len(self._levels):
                self._levels.append([])


def _split(width: int) -> int:
    """The largest power of two below `width` (which is at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that `leaf` (a leaf hash) is number `index` in the tree of `size` leaves with that root.

    The algorithm of RFC 9162, section 2.1.3.2. Never raises: what cannot be a proof is not one.
    """
    if not 0 <= index < size or not _hashes(root, leaf, *proof):
        return False
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def consistent(old_root: bytes, old_size: int, root: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `old_size` leaves is a prefix of the tree of `size`.

    The algorithm of RFC 9162, section 2.1.4.2. Never raises.
    """
    if not 0 <= old_size <= size or not _hashes(old_root, root, *proof):
        return False
    if old_size == 0:
        return old_root == EMPTY_ROOT and not proof
    if old_size == size:
        return old_root == root and not proof
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_node = node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_node, node = node_hash(sibling, old_node), node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_node == old_root and node == root


def _hashes(*values: bytes) -> bool:
    return all(len(value) == 32 for value in values)

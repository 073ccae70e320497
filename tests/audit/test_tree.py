"""The tree of a log: RFC 6962 roots, proofs and their refusal."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.rules import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistent,
    includes,
    leaf_hash,
    node_hash,
)

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "data" / "merkle_vectors" / "testdata" / "inclusion"

leaf_lists = st.lists(st.binary(max_size=8), max_size=70).map(lambda records: [leaf_hash(record) for record in records])


def defined_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


@given(leaf_lists)
def test_frontier_and_tree_have_the_root_that_the_rfc_defines(leaves: list[bytes]) -> None:
    assert Frontier().extend(leaves).root() == Tree(leaves).root() == defined_root(leaves)


@given(leaf_lists, st.integers(0))
def test_a_frontier_read_back_goes_on_where_it_was(leaves: list[bytes], cut: int) -> None:
    at = cut % (len(leaves) + 1)
    early = Frontier().extend(leaves[:at])

    again = Frontier.from_bytes(early.size, early.to_bytes())

    assert again.extend(leaves[at:]).root() == Tree(leaves).root()
    assert again.root() == Tree(leaves).root(at)


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ValueError, match="peak"):
        Frontier.from_bytes(3, b"x" * 32)
    with pytest.raises(ValueError, match="whole"):
        Frontier.from_bytes(1, b"x" * 31)


@given(leaf_lists.filter(bool), st.integers(0), st.integers(0))
def test_every_leaf_is_proven_at_every_size(leaves: list[bytes], some_size: int, some_index: int) -> None:
    tree = Tree(leaves)
    size = some_size % len(leaves) + 1
    index = some_index % size

    assert includes(tree.root(size), size, index, leaves[index], tree.inclusion_proof(index, size))


@given(leaf_lists.filter(bool), st.integers(0), st.data())
def test_a_changed_leaf_place_root_or_proof_is_not_included(
    leaves: list[bytes], some: int, data: st.DataObject
) -> None:
    tree, index = Tree(leaves), some % len(leaves)
    proof, root, size = tree.inclusion_proof(index), tree.root(), len(leaves)
    flipped = bytes([root[0] ^ 1]) + root[1:]

    assert not includes(root, size, index, leaf_hash(b"never a record of the list"), proof)
    assert not includes(flipped, size, index, leaves[index], proof)
    assert not includes(root, size, index, leaves[index], [*proof, root])
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:place], hashlib.sha256(proof[place]).digest(), *proof[place + 1 :]]
        assert not includes(root, size, index, leaves[index], bent)
        assert not includes(root, size, index, leaves[index], proof[:-1])
    assert not includes(root, size, size, leaves[index], proof)
    assert not includes(root, size, -1, leaves[index], proof)


@given(leaf_lists, st.integers(0), st.integers(0))
def test_every_prefix_is_proven_consistent(leaves: list[bytes], a: int, b: int) -> None:
    tree = Tree(leaves)
    new = a % (len(leaves) + 1)
    old = b % (new + 1)

    assert consistent(tree.root(old), old, tree.root(new), new, tree.consistency_proof(old, new))


@given(leaf_lists.filter(lambda leaves: len(leaves) > 1), st.integers(0), st.integers(0))
def test_a_log_with_a_changed_past_cannot_prove_its_old_root(leaves: list[bytes], a: int, b: int) -> None:
    old = a % (len(leaves) - 1) + 1
    changed = list(leaves)
    changed[b % old] = leaf_hash(b"another record altogether")
    forged = Tree(changed)

    assert not consistent(
        Tree(leaves).root(old), old, forged.root(), len(changed), forged.consistency_proof(old, len(changed))
    )


@given(leaf_lists.filter(lambda leaves: len(leaves) > 1), st.integers(0))
def test_a_truncated_log_cannot_prove_its_old_checkpoint(leaves: list[bytes], cut: int) -> None:
    shorter = Tree(leaves[: cut % (len(leaves) - 1) + 1])

    assert not consistent(Tree(leaves).root(), len(leaves), shorter.root(), shorter.size, [])


def test_the_empty_tree_is_a_prefix_of_every_tree() -> None:
    tree = Tree([leaf_hash(b"a"), leaf_hash(b"b")])

    assert tree.root(0) == EMPTY_ROOT
    assert consistent(EMPTY_ROOT, 0, tree.root(), 2, [])
    assert not consistent(EMPTY_ROOT, 0, tree.root(), 2, [EMPTY_ROOT])


def test_proofs_of_what_is_not_there_are_refused() -> None:
    tree = Tree([leaf_hash(b"a")])

    with pytest.raises(ValueError, match="leaf 1"):
        tree.inclusion_proof(1)
    with pytest.raises(ValueError, match="prefix"):
        tree.consistency_proof(-1)
    with pytest.raises(ValueError, match="leaves"):
        tree.root(2)


def test_the_public_vectors_are_judged_as_they_say() -> None:
    if not VECTORS.is_dir():
        pytest.skip("the RFC 6962 vectors (../shared/data/merkle_vectors) are not beside this checkout")
    judged = 0
    for path in sorted(VECTORS.rglob("*.json")):
        case = json.loads(path.read_text())
        told = includes(
            _bytes(case["root"]),
            case["treeSize"],
            case["leafIdx"],
            _bytes(case["leafHash"]),
            [_bytes(node) for node in case["proof"] or []],
        )
        assert told is not case["wantErr"], f"{path.parent.name}/{path.name}: {case['desc']}"
        judged += 1
    assert judged >= 50


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")

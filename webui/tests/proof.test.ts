import assert from "node:assert/strict";
import { test } from "node:test";

import { proven, type Proof } from "../src/console/proof.ts";

/** Records 0, 3 and 6 of a log of seven, as a node proves them. */
const PROOFS: Proof[] = [
  {
    "entry": {
      "seq": 0,
      "hash": "29dc27009215cdc71fffb79ab04ff690d24074364885bb878550747660d26154"
    },
    "record": "{\"n\":0,\"said\":\"Größe\"}",
    "proof": [
      "57d599a7fb47c87e4abd601cefb061f31666ef9cde7822b83c5f302396cd9a14",
      "0e7de6d7cf7cc4b5d193bbc6a6e926a78d0fb63853ae5c5d9ec46373f7142e93",
      "1a3ac7e748b3a09ecded07dc3e5bdd0a423e7025d80e835bbaa40de5077bcd99"
    ],
    "checkpoint": {
      "size": 7,
      "root": "877811b2cf47f8114030110e7f6e05ddd25557006d3906cc8bbf9bb734d6c455",
      "signed_note": "outpost/49a0d4a8bd3b8a83/plant/1\n7\nh3gRss9H+BFAMBEOf24F3dJVVwBtOQbMi7+btzTWxFU=\n\n— outpost/49a0d4a8bd3b8a83/plant/1 flGK2BM2Fph+3upIfaVw9hjGMv+Hzbp7doFovQ3cWLkQ2jLnrPR/hXBHIql3gr0QEdY0c2vSGEk9kUJzK1hcOXAwVQk=\n"
    },
    "public_key": "555f469c22188e90015bdd85b889678d459f86bdf8f7bd34971b10b9b3858609"
  },
  {
    "entry": {
      "seq": 3,
      "hash": "5adeebbbe40ec240def1a475b96b10b70e897389d562e4e2de1ca8b5e9d2e638"
    },
    "record": "{\"n\":3,\"said\":\"Größe\"}",
    "proof": [
      "d890e6802aa0bb0bc0698609ee13b73009737a41fd434061ea875dc471592399",
      "4c331960b320d5a818925bab58b0fd27ea468943363812581540b2950704d253",
      "1a3ac7e748b3a09ecded07dc3e5bdd0a423e7025d80e835bbaa40de5077bcd99"
    ],
    "checkpoint": {
      "size": 7,
      "root": "877811b2cf47f8114030110e7f6e05ddd25557006d3906cc8bbf9bb734d6c455",
      "signed_note": "outpost/49a0d4a8bd3b8a83/plant/1\n7\nh3gRss9H+BFAMBEOf24F3dJVVwBtOQbMi7+btzTWxFU=\n\n— outpost/49a0d4a8bd3b8a83/plant/1 flGK2BM2Fph+3upIfaVw9hjGMv+Hzbp7doFovQ3cWLkQ2jLnrPR/hXBHIql3gr0QEdY0c2vSGEk9kUJzK1hcOXAwVQk=\n"
    },
    "public_key": "555f469c22188e90015bdd85b889678d459f86bdf8f7bd34971b10b9b3858609"
  },
  {
    "entry": {
      "seq": 6,
      "hash": "d85ac6d19a6a3f32de31adabd6138198eb53daa7462ece8081e3db1efb8d28ec"
    },
    "record": "{\"n\":6,\"said\":\"Größe\"}",
    "proof": [
      "7f4c11b9dd6fe1c46fb32240293e087f88a488b3e41abf2418686e65f85c9ebf",
      "ef77b95436951095e8348218bfcfee56142044da1d860d13e5200ebbf3feb53b"
    ],
    "checkpoint": {
      "size": 7,
      "root": "877811b2cf47f8114030110e7f6e05ddd25557006d3906cc8bbf9bb734d6c455",
      "signed_note": "outpost/49a0d4a8bd3b8a83/plant/1\n7\nh3gRss9H+BFAMBEOf24F3dJVVwBtOQbMi7+btzTWxFU=\n\n— outpost/49a0d4a8bd3b8a83/plant/1 flGK2BM2Fph+3upIfaVw9hjGMv+Hzbp7doFovQ3cWLkQ2jLnrPR/hXBHIql3gr0QEdY0c2vSGEk9kUJzK1hcOXAwVQk=\n"
    },
    "public_key": "555f469c22188e90015bdd85b889678d459f86bdf8f7bd34971b10b9b3858609"
  }
];

test("a record that leads to the signed head is proven", async () => {
  for (const proof of PROOFS) assert.equal(await proven(proof), "here");
});

const WRONG: Record<string, (proof: Proof) => Partial<Proof>> = {
  "another record": (proof) => ({ record: proof.record.replace("said", "lied") }),
  "another place": (proof) => ({ entry: { ...proof.entry, seq: (proof.entry.seq + 1) % 7 } }),
  "a place beyond the log": (proof) => ({ entry: { ...proof.entry, seq: 7 } }),
  "another hash beside it": (proof) => ({ entry: { ...proof.entry, hash: "00".repeat(32) } }),
  "a hash missing": (proof) => ({ proof: proof.proof.slice(1) }),
  "a hash too many": (proof) => ({ proof: [...proof.proof, "00".repeat(32)] }),
  "another root beside the note": (proof) => ({ checkpoint: { ...proof.checkpoint, root: "00".repeat(32) } }),
  "another size beside the note": (proof) => ({ checkpoint: { ...proof.checkpoint, size: 8 } }),
  "another note": (proof) => ({ checkpoint: { ...proof.checkpoint, signed_note: proof.checkpoint.signed_note.replace("outpost/", "elsewhere/") } }),
  "another key": () => ({ public_key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" }),
};

for (const [what, change] of Object.entries(WRONG)) {
  test(`${what} is not proven`, async () => {
    for (const proof of PROOFS) assert.equal(await proven({ ...proof, ...change(proof) }), "no");
  });
}

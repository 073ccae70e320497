import assert from "node:assert/strict";
import { test } from "node:test";

import { places, rows, separate, snippet } from "../src/answer/places.ts";
import type { Citation } from "../src/api/types.ts";

const cited = (over: Partial<Citation>): Citation => ({
  document_id: "d",
  filename: "manual.pdf",
  title: "Manual",
  revision: "C",
  page: 3,
  heading: "5 Maintenance",
  quote: "1. Stop the pump.",
  box: null,
  boxes: [[0.1, 0.1, 0.9, 0.2]],
  passage_id: 1,
  ordinal: 0,
  level: 2,
  ...over,
});

test("parts of one procedure on one page are one place with all their boxes", () => {
  const found = places([cited({}), cited({ passage_id: 2, ordinal: 1, quote: "2. Lock the isolator." })]);
  assert.equal(found.length, 1);
  assert.deepEqual(found[0]?.quotes, ["1. Stop the pump.", "2. Lock the isolator."]);
  assert.equal(found[0]?.boxes.length, 2);
});

test("answers for two machines stay two places", () => {
  assert.equal(places([cited({}), cited({ document_id: "e", passage_id: 9 })]).length, 2);
});

test("a procedure that runs over a page end stays two places, one a page", () => {
  assert.deepEqual(
    places([cited({}), cited({ page: 4, passage_id: 2 })]).map((place) => place.page),
    [3, 4],
  );
});

test("a passage listed twice is shown once", () => {
  assert.equal(separate([cited({}), cited({})]).length, 1);
});

test("whole rows stay rows, and a label with the one cell asked for makes one", () => {
  const m12 = { label: "Thread", value: "M12" };
  const torque = { label: "Torque", value: "86 Nm" };
  assert.deepEqual(rows(["Thread: M12", "Torque: 86 Nm"]), [[m12, torque]]);
  assert.deepEqual(rows(["Thread: M12 | Torque: 86 Nm", "Thread: M12 | Torque: 86 Nm"]), [
    [m12, torque],
    [m12, torque],
  ]);
});

test("running text is no table, whatever its colons", () => {
  assert.equal(rows(["Note: keep clear of the belt."]), null);
  assert.equal(rows(["1. Stop: now\n2. Lock: it"]), null);
});

test("cells of one row stay together in a list, and read as one line", () => {
  const found = separate([cited({ quote: "Quantity: Drives" }), cited({ quote: "CV-230: 2.1 A" }), cited({ passage_id: 2 })]);
  assert.equal(found.length, 2);
  assert.equal(snippet(found[0]?.quotes ?? []), "Quantity: Drives | CV-230: 2.1 A");
});

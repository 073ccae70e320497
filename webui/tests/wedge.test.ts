import assert from "node:assert/strict";
import { test } from "node:test";

import { Wedge } from "../src/kiosk/wedge.ts";

function typed(text: string, gap: number, wedge = new Wedge(), start = 0): string | null {
  let at = start;
  for (const letter of text) {
    wedge.key(letter, at);
    at += gap;
  }
  return wedge.key("Enter", at);
}

test("a reader's badge is read", () => {
  assert.equal(typed("04A1B2C3", 8), "04A1B2C3");
});

test("what a person types is no badge", () => {
  assert.equal(typed("04A1B2C3", 60), null);
});

test("a person's Enter after a pause ends no badge", () => {
  const wedge = new Wedge();
  for (const [at, letter] of [..."04A1B2C3"].entries()) wedge.key(letter, at * 8);
  assert.equal(wedge.key("Enter", 500), null);
});

test("a half-typed question before the badge is not part of it", () => {
  const wedge = new Wedge();
  wedge.key("x", 0);
  assert.equal(typed("04A1B2C3", 8, wedge, 1000), "04A1B2C3");
});

test("too short a code and words with spaces are no badge", () => {
  assert.equal(typed("12345", 8), null);
  assert.equal(typed("alarm E-0417", 8), null);
});

test("shift between the letters is no letter", () => {
  const wedge = new Wedge();
  for (const [at, key] of ["0", "4", "Shift", "A", "1", "Shift", "B", "2"].entries()) wedge.key(key, at * 8);
  assert.equal(wedge.key("Enter", 70), "04A1B2");
});

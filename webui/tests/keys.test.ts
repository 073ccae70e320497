import assert from "node:assert/strict";
import { test } from "node:test";

import { afterTyping, BOTTOM, erase, HOME, insert, nextShift, NUMBERS, TOP, typed } from "../src/kiosk/keys.ts";

test("every character of a tag, a part and an alarm can be typed", () => {
  const typed = new Set([...NUMBERS, ...TOP, ...HOME, ...BOTTOM].flatMap((key) => [key.plain, key.shifted]));
  for (const wanted of "P-101A E-0417 M12x1,75 3/4 V.2; 80°?".replaceAll(" ", "")) assert.ok(typed.has(wanted), wanted);
});

test("no character stands on two keys", () => {
  const plain = [...NUMBERS, ...TOP, ...HOME, ...BOTTOM].map((key) => key.plain);
  assert.equal(new Set(plain).size, plain.length);
});

test("what is typed replaces the selection and stops at the limit", () => {
  assert.deepEqual(insert("P-101A", 5, 6, "B", 6), { text: "P-101B", caret: 6 });
  assert.deepEqual(insert("P-101A", 6, 6, "B", 6), { text: "P-101A", caret: 6 });
});

test("one press takes one whole character", () => {
  assert.deepEqual(erase("5 \u{1F527}x", 4, 4), { text: "5 x", caret: 2 });
  assert.deepEqual(erase("abc", 0, 2), { text: "c", caret: 0 });
  assert.deepEqual(erase("abc", 0, 0), { text: "abc", caret: 0 });
});

test("shift holds for one character unless it is locked", () => {
  assert.equal(afterTyping(nextShift("off")), "off");
  assert.equal(afterTyping(nextShift("once")), "locked");
  assert.equal(nextShift("locked"), "off");
});

test("a locked shift raises letters and leaves digits alone", () => {
  const [p, one] = [{ plain: "p", shifted: "P" }, { plain: "1", shifted: "!" }];
  assert.equal(typed(p, "locked") + typed(one, "locked"), "P1");
  assert.equal(typed(p, "once") + typed(one, "once"), "P!");
  assert.equal(typed(p, "off") + typed(one, "off"), "p1");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { below, holds, marked, pieces, row, table } from "../src/answer/text.ts";

const TORQUES = "Tightening torques\nThread: M10 | Torque: 49 Nm\nThread: M12 | Torque: 86 Nm";

test("a quote is marked across broken lines, and characters of patterns are plain characters", () => {
  assert.deepEqual(marked("Close V-12\n(suction) first.", ["V-12 (suction)"]), [
    { text: "Close ", marked: false },
    { text: "V-12\n(suction)", marked: true },
    { text: " first.", marked: false },
  ]);
});

test("without a quote nothing is marked and nothing is lost", () => {
  assert.deepEqual(marked("M12", ["", " "]), [{ text: "M12", marked: false }]);
});

test("a table passage becomes a table with its caption", () => {
  const found = table(TORQUES);
  assert.equal(found?.caption, "Tightening torques");
  assert.deepEqual(found?.labels, ["Thread", "Torque"]);
  assert.deepEqual(found?.rows.at(-1)?.cells.at(-1), { label: "Torque", value: "86 Nm" });
});

test("rows with other labels are no table", () => {
  assert.equal(table(`${TORQUES}\nSize: 3 | Use: foot`), null);
  assert.equal(table("Pressure: 3 bar"), null);
  assert.equal(row("either | or"), null);
});

test("a row holds the quote whatever the white space", () => {
  assert.ok(holds("Thread: M12 |  Torque: 86 Nm", "thread: m12 | torque: 86 nm"));
  assert.ok(!holds("Thread: M10 | Torque: 49 Nm", "Thread: M12 | Torque: 86 Nm"));
  assert.ok(!holds("anything", ""));
});

test("tags and measures are kept whole, ordinary words are not", () => {
  const whole = (text: string): string[] => pieces(text).filter((piece) => piece.whole).map((piece) => piece.text);
  assert.deepEqual(whole("Close V-12 on P-101A (PI-104 at 0 bar), see 5.2; then E-0417."), ["V-12", "P-101A", "PI-104", "0 bar", "5.2", "E-0417"]);
  assert.deepEqual(whole("Non-drive end: 12.5 Nm, 80 °C, 3 m/s"), ["12.5 Nm", "80 °C", "3 m/s"]);
  assert.deepEqual(whole("above 0.1 °dH, turned by 90 °"), ["0.1 °dH", "90 °"]);
  assert.deepEqual(whole("instruction-for-the-annual-inspection-of-line-1"), []);
  assert.equal(pieces("a V-12 b").map((piece) => piece.text).join(""), "a V-12 b");
});

test("a heading does not repeat the document's title", () => {
  assert.equal(below("Pump", "Pump > 4 Maintenance > 4.3 Torques"), "4 Maintenance › 4.3 Torques");
  assert.equal(below("Pump", "Pump"), "");
  assert.equal(below("", "4 Maintenance"), "4 Maintenance");
});

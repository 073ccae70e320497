import assert from "node:assert/strict";
import { test } from "node:test";

import type { Spent } from "../src/api/types.ts";
import { csv, lastDays, series, totals } from "../src/console/usage.ts";
import { every, folded, stacked, ticks } from "../src/parts/chart.ts";

const row = (over: Partial<Spent>): Spent => ({ day: "2026-11-28", model: "small", uses: 1, prompt_tokens: 10, completion_tokens: 5, ms: 1500, cost: "0", currency: "", ...over });
const line = (label: string, ...values: number[]) => ({ label, points: values.map((value, place) => ({ at: String(place), value })) });

test("series stand on top of each other and what is nothing takes no room", () => {
  assert.deepEqual(stacked([line("a", 2, 0), line("b", 3, 4)]), [
    { at: "0", total: 5, parts: [{ series: 0, from: 0, to: 2 }, { series: 1, from: 2, to: 5 }] },
    { at: "1", total: 4, parts: [{ series: 1, from: 0, to: 4 }] },
  ]);
  assert.deepEqual(stacked([]), []);
});

test("an axis has round numbers, few of them, and reaches over the highest bar", () => {
  for (const most of [0, 1, 3, 7, 19, 20, 999, 12_345, 7_000_000]) {
    const found = ticks(most);
    assert.ok(found.length <= 6 && found[0] === 0 && (found.at(-1) ?? 0) >= most, `${most}: ${found.join(" ")}`);
    assert.ok(found.every(Number.isInteger));
  }
  assert.deepEqual(ticks(19), [0, 5, 10, 15, 20]);
});

test("the smallest of too many series become one, and nothing is lost", () => {
  const found = folded([line("a", 1), line("b", 9), line("c", 2), line("d", 3)], 3, "Others");
  assert.deepEqual(found.map((one) => [one.label, one.points[0]?.value]), [["b", 9], ["d", 3], ["Others", 3]]);
  assert.equal(folded([line("a", 1)], 3, "Others").length, 1);
});

test("names under an axis do not run into each other", () => {
  assert.equal(every(7, 900), 1);
  assert.equal(every(90, 900), 8);
  assert.equal(every(0, 0), 1);
});

test("a day on which nothing was used is a day all the same", () => {
  const days = lastDays(3, new Date("2026-11-28T09:00:00Z"));
  assert.deepEqual(days, ["2026-11-26", "2026-11-27", "2026-11-28"]);
  const found = series([row({}), row({ day: "2026-11-26", prompt_tokens: 1 })], "model", "tokens", days, (key) => key, (day) => day);
  assert.deepEqual(found.map((one) => one.points.map((point) => point.value)), [[6, 0, 15]]);
});

test("the totals of a division add up, the most used first", () => {
  const found = totals([row({ person_id: "a" }), row({ person_id: "b", uses: 4, prompt_tokens: 90 }), row({ person_id: "a", model: "big" })], "person");
  assert.deepEqual(found.map((one) => [one.key, one.uses, one.prompt + one.completion]), [["b", 4, 95], ["a", 2, 30]]);
});

test("costs are summed by currency, and what cost nothing has none", () => {
  const [one, other] = totals([row({ cost: "0.25", currency: "EUR" }), row({ cost: "1.5", currency: "USD" }), row({ cost: "0.5", currency: "EUR" }), row({ model: "own" })], "model");
  assert.deepEqual([one?.costs, other?.costs], [{ EUR: 0.75, USD: 1.5 }, {}]);
});

test("a name that a spreadsheet would run, or that has a comma, is a text in the table", () => {
  const text = csv([row({ person_id: "a" }), row({ person_id: "b" })], "person", (key) => (key === "a" ? "=2+3" : 'Novák, "Jan"'));
  const [head, first, second] = text.split("\r\n");
  assert.equal(head, "day,model,person,uses,prompt_tokens,completion_tokens,seconds,cost,currency");
  assert.equal(first, "2026-11-28,small,'=2+3,1,10,5,1.5,0,");
  assert.equal(second, '2026-11-28,small,"Novák, ""Jan""",1,10,5,1.5,0,');
});

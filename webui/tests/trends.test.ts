import assert from "node:assert/strict";
import { test } from "node:test";

import type { Trends } from "../src/api/types.ts";
import { answered, scaled, series } from "../src/console/trends.ts";
import { highest, path, stacked } from "../src/parts/chart.ts";

const point = (over: Partial<Trends["points"][number]>): Trends["points"][number] => ({ at: "2027-03-01T12:00:00Z", requests: null, failed: null, median_ms: null, slow_ms: null, questions: null, findings: null, waiting: null, free: null, memory: null, ...over });
const x = (place: number): number => place * 10;
const y = (value: number): number => 100 - value;

test("a line has a hole where nothing is known, and a value between two holes is a dot", () => {
  const points = [1, 2, null, 3, null, 0].map((value) => ({ at: "", value }));
  assert.equal(path(points, x, y), "M0.0 99.0h0L10.0 98.0M30.0 97.0h0M50.0 100.0h0");
  assert.equal(path([], x, y), "");
  assert.equal(highest([{ label: "a", points }, { label: "b", points: [{ at: "", value: 7 }] }]), 7);
});

test("a minute in which the box was off has no bar, and one in which nobody asked has none either", () => {
  const found = series([point({}), point({ requests: 0, failed: 0 }), point({ requests: 5, failed: 2 })], "Answered", (moment) => moment.slice(11, 16), answered);
  assert.deepEqual(found.points.map((one) => one.value), [null, 0, 3]);
  assert.equal(found.points[0]?.at, "12:00");
  assert.deepEqual(stacked([found]).map((bar) => bar.total), [0, 0, 3]);
});

test("bytes are told in larger units", () => {
  assert.equal(scaled(5_000_000_000, 3), 5);
  assert.equal(scaled(null, 3), null);
});

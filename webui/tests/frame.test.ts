import assert from "node:assert/strict";
import { test } from "node:test";

import { imageWidth, openingZoom, scrollTo, union, wholePage } from "../src/page/frame.ts";

test("boxes are joined to the frame around them all", () => {
  assert.deepEqual(
    union([
      [0.1, 0.2, 0.5, 0.3],
      [0.4, 0.1, 0.9, 0.25],
    ]),
    [0.1, 0.1, 0.9, 0.3],
  );
  assert.equal(union([]), null);
});

test("a narrow passage is opened larger, a wide one as wide as the view, none beyond twice", () => {
  assert.equal(openingZoom([0.0, 0.1, 0.97, 0.2]), 1);
  assert.ok(openingZoom([0.1, 0.1, 0.7, 0.2]) > 1.4);
  assert.equal(openingZoom([0.1, 0.1, 0.12, 0.2]), 2);
  assert.equal(openingZoom(null), 1);
});

test("the passage is scrolled to the middle of the view", () => {
  const view = { width: 400, height: 400 };
  assert.deepEqual(scrollTo([0.4, 0.45, 0.6, 0.55], { width: 800, height: 1000 }, view), { left: 200, top: 300 });
  assert.equal(scrollTo([0, 0, 0.1, 0.1], { width: 800, height: 1000 }, view).top, 0);
});

test("the whole page is never larger than the view is wide", () => {
  assert.equal(wholePage({ width: 400, height: 2000 }, { width: 100, height: 100 }), 1);
  assert.equal(wholePage({ width: 400, height: 200 }, { width: 100, height: 100 }), 0.5);
});

test("images are asked for in few widths", () => {
  assert.equal(imageWidth(500, 1), 800);
  assert.equal(imageWidth(1000, 2), 2000);
  assert.equal(imageWidth(5000, 3), 2400);
});

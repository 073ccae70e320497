import assert from "node:assert/strict";
import { test } from "node:test";

import { marked } from "../src/answer/marked.ts";

const ROW = ["Joint: Casing | Thread: M12 | Torque: 47 Nm"];

function values(sentence: string, said: string[]): string[] {
  return marked(sentence, said)
    .filter((part) => part.value)
    .map((part) => part.text);
}

test("values that stand in the source are marked, with their unit", () => {
  assert.deepEqual(values("The M12 bolts get 47 Nm [1].", ROW), ["M12", "47 Nm"]);
});

test("a value that does not stand there is not marked", () => {
  assert.deepEqual(values("The M12 bolts get 70 Nm [1].", ROW), ["M12"]);
});

test("the citation is left out and nothing else is lost", () => {
  const parts = marked("The M12 bolts get 47 Nm [1].", ROW);
  assert.equal(parts.map((part) => part.text).join(""), "The M12 bolts get 47 Nm.");
});

test("a sentence without values is one part", () => {
  assert.deepEqual(marked("Wait until it stops. [2]", ["Wait until it stops."]), [{ text: "Wait until it stops.", value: false }]);
});

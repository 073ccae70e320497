import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "../src/api/events.ts";

const STREAM = 'event: passages\r\ndata: {"ms": 84}\r\n\r\n: heartbeat\n\nevent: answer\ndata: {"a":\ndata:  1}\n\n';
const EVENTS = [
  { event: "passages", data: '{"ms": 84}' },
  { event: "answer", data: '{"a":\n 1}' },
];

test("events are given out however the stream is cut", () => {
  for (let size = 1; size <= STREAM.length; size += 1) {
    const parser = new EventParser();
    const seen = [];
    for (let at = 0; at < STREAM.length; at += size) seen.push(...parser.push(STREAM.slice(at, at + size)));
    assert.deepEqual(seen, EVENTS, `cut every ${size} characters`);
  }
});

test("a half event is kept back", () => {
  assert.deepEqual(new EventParser().push("event: answer\ndata: {}\n"), []);
});

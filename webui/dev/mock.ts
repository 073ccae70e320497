import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin } from "vite";

/** A pretend node for `npm run dev`. Vite runs it only while serving; nothing of it is built. */

const TABLE = `Tightening torques, dry threads
Thread: M8 | Torque: 25 Nm | Use: coupling guard
Thread: M10 | Torque: 49 Nm | Use: bearing housing
Thread: M12 | Torque: 86 Nm | Use: pump foot
Thread: M16 | Torque: 210 Nm | Use: base plate`;

const citation = (n: number, over: object = {}) => ({
  document_id: "d1",
  filename: "P-101A pump manual.pdf",
  title: "Pump P-101A: manual",
  revision: "C",
  page: 3,
  heading: "5 Maintenance > 5.2 Shaft seal",
  quote: "Before opening the seal chamber, close the suction valve V-12 and lock it, then drain the casing until the gauge PI-104 shows 0 bar.",
  box: [0.12, 0.42, 0.88, 0.5],
  boxes: [
    [0.12, 0.42, 0.88, 0.445],
    [0.12, 0.4475, 0.88, 0.4725],
    [0.12, 0.475, 0.55, 0.5],
  ],
  passage_id: n,
  ordinal: 4 + n,
  level: 2,
  ...over,
});

const torque = citation(7, {
  title: "",
  filename: "Torque table fillers.md",
  document_id: "d2",
  page: null,
  box: null,
  boxes: [],
  revision: "2",
  heading: "Fasteners > Tightening torques",
  quote: "Thread: M12 | Torque: 86 Nm | Use: pump foot",
  ordinal: 3,
});

const others = [
  citation(2, { page: 4, heading: "5 Maintenance > 5.3 Bearings", quote: "Grease the drive-end bearing every 2,000 h with 12 g of NLGI 2 lithium grease; the non-drive end takes 8 g." }),
  torque,
  citation(3, { filename: "LOTO-07 lock-out of pump P-101A.docx", page: null, box: null, boxes: [], document_id: "d2", revision: "4", heading: "Steps", quote: "1. Stop P-101A from the panel.\n2. Turn isolator Q3 off and fit your own lock." }),
];

function answer(question: string) {
  const base = {
    served_by: "reader (minilm-read)",
    grounded: true,
    ms_to_quotes: 84,
    ms_total: 640,
    conversation_id: "c1",
    message_id: `m${Date.now()}`,
    classification: 2,
  };
  if (/p-101c/i.test(question))
    return {
      ...base,
      answer: "Nothing for P-101C. The nearest is P-101A.",
      kind: "none",
      citations: [],
      nearest: [citation(1), ...others],
      verdict: { kind: "other-machine", text: "Nothing for P-101C. The nearest is P-101A.", confidence: 0.9 },
    };
  if (/canteen|weather/i.test(question))
    return { ...base, answer: "Not in these documents.", kind: "none", citations: [], nearest: others, verdict: { kind: "not-here", text: "Not in these documents.", confidence: 0.93 } };
  if (/differ/i.test(question))
    return {
      ...base,
      answer: "…",
      kind: "quoted",
      citations: [
        citation(1, { quote: "The relief valve of P-101A opens at 6.5 bar." }),
        citation(9, { title: "Pump P-101B: manual", filename: "P-101B pump manual.pdf", document_id: "d4", quote: "The relief valve of P-101B opens at 7.2 bar." }),
      ],
      nearest: [],
      verdict: { kind: "several", text: "Machines differ. Shown: P-101A, P-101B.", confidence: 0.9 },
    };
  if (/m12/i.test(question))
    return { ...base, answer: "86 Nm", kind: "quoted", citations: [torque], nearest: [], verdict: { kind: "answer", text: "86 Nm", confidence: 0.9 } };
  const best = citation(1);
  return { ...base, answer: /drain/.test(question) ? best.quote : "close the suction valve V-12", kind: "quoted", citations: [best], nearest: [], verdict: { kind: "answer", text: best.quote, confidence: 0.9 } };
}

const row = (id: string, filename: string, over: object = {}) => ({
  id,
  filename,
  title: filename,
  revision: "C",
  doc_type: "manual",
  classification: "INTERNAL",
  level: 2,
  status: "ready",
  progress: null,
  reason: null,
  passages: 48,
  pages: 12,
  in_force: true,
  assets: ["P-101A"],
  tags: ["pump"],
  updated_at: "2026-10-02T06:14:00Z",
  size_bytes: 842_113,
  metadata: {},
  chunks: [],
  ...over,
});

const rows = [
  row("d1", "P-101A pump manual.pdf"),
  row("d2", "Torque table fillers.md", { doc_type: "table", revision: "2", pages: null, passages: 9, level: 1 }),
  row("d3", "LOTO-07 lock-out of pump P-101A.docx", { doc_type: "procedure", revision: "4", pages: null, passages: 14 }),
  row("d4", "Alarm list packer L3.pdf", { status: "processing", progress: 0.4, passages: 0 }),
  row("d5", "Shift report 2026-09-30.md", { status: "pending", passages: 0, doc_type: "report", revision: null }),
  row("d6", "Scan_0012.pdf", { status: "failed", reason: "The file is protected by a password. Remove the password and upload it again.", passages: 0, revision: null, doc_type: null }),
  row("d7", "Cleaning in place, filler F-201.pdf", { level: 3, doc_type: "SOP", revision: "1", in_force: false }),
];

const passages = Array.from({ length: 48 }, (_, ordinal) => ({
  passage_id: ordinal,
  ordinal,
  kind: ordinal === 3 ? "table" : "text",
  heading: ordinal === 3 ? "Fasteners > Tightening torques" : "5 Maintenance > 5.2 Shaft seal",
  page: Math.floor(ordinal / 4) + 1,
  text: ordinal === 3 ? TABLE : ordinal === 7 ? "Steps\n1. Stop P-101A from the panel.\n2. Turn isolator Q3 off and fit your own lock.\n3. Try to start." : citation(1).quote + " Only then loosen the four nuts of the gland, crosswise and a quarter turn at a time.",
  boxes: [[0.12, 0.2 + (ordinal % 4) * 0.15, 0.88, 0.26 + (ordinal % 4) * 0.15]],
}));

function page(n: number): string {
  const line = (i: number, w: number) => `<rect x="72" y="${150 + i * 17}" width="${w}" height="6" fill="#9aa"/>`;
  const lines = Array.from({ length: 34 }, (_, i) => (i > 11 && i < 17 ? "" : line(i, i % 6 === 5 ? 240 : 450))).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 595 842" width="1190" height="1684"><rect width="595" height="842" fill="#fff"/>
<text x="72" y="90" font-family="Liberation Sans" font-size="20" font-weight="700">P-101A pump manual</text><text x="72" y="125" font-family="Liberation Sans" font-size="13">5.2 Shaft seal, page ${n}</text>${lines}
<g font-family="Liberation Sans" font-size="11.5"><text x="74" y="366">Before opening the seal chamber, close the suction valve V-12 and lock it, then drain</text><text x="74" y="388">the casing until the gauge PI-104 shows 0 bar. Only then loosen the four nuts of the</text><text x="74" y="411">gland, crosswise and a quarter turn at a time.</text></g></svg>`;
}

const audit = Array.from({ length: 50 }, (_, i) => ({
  log: "0192f0e4-7a1b/1",
  seq: 1284 - i,
  hash: "9f2c4b".repeat(10) + "abcd",
  record: {
    v: 1,
    created_at: new Date(Date.UTC(2026, 9, 2, 6, 30, 0) - i * 47_000).toISOString(),
    event_type: ["chat.response", "chat.request", "doc.access", "doc.upload", "auth.login", "policy.denied"][i % 6],
    phase: i % 2 ? "pre" : "post",
    user_id: "0192f0e4-7a1b-7cc2-8d31-5e1fa1b2c3d4",
    actor: { kind: i % 3 ? "person" : "kiosk", role: "viewer" },
    resource_type: "document",
    resource_id: "0192f0e4-7a1b-7cc2-8d31-5e1fa1b2c3d4",
    result_status: i % 6 === 5 ? "denied" : i % 6 === 1 ? null : "success",
  },
}));

const body = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
};
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(value));
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const url = new URL(request.url ?? "/", "http://x");
  const at = `${request.method} ${url.pathname}`;
  const number = /\/pages\/(\d+)$/.exec(url.pathname)?.[1];
  if (at === "GET /health/ready") send(response, 200, { status: "ready" });
  else if (at === "GET /v1") send(response, 200, { name: "demo", version: "0.1.0", languages: ["en"], demo: true, kiosk_idle_seconds: 90 });
  else if (at === "POST /v1/auth/login") {
    const { username, tenant } = await body(request);
    if (username === "locked") send(response, 429, { code: "locked-out", title: "Locked", detail: "Too many", retry_after: 240 });
    else if (username === "wrong") send(response, 401, { code: "unauthenticated", title: "No", detail: "No" });
    else send(response, 200, { access_token: "a", refresh_token: "r", expires_in: 600, user: { id: "u1", username, display_name: "Jana Novak", role: username, clearance: 3, tenant } });
  } else if (at === "POST /v1/auth/logout") send(response, 200, {});
  else if (at === "POST /v1/kiosks/enrol") {
    const { code } = await body(request);
    if (code === "BAD") send(response, 401, { detail: "no" });
    else send(response, 200, { kiosk_id: "k1", tenant: "riverside" });
  } else if (at === "POST /v1/kiosks/challenge") send(response, 200, { challenge: "abc" });
  else if (at === "POST /v1/kiosks/token") send(response, 200, { access_token: "k", expires_in: 300 });
  else if (at === "POST /v1/kiosks/enrolment-codes") send(response, 201, { code: "K7QM-4TXR", expires_at: "2026-10-03T06:00:00Z" });
  else if (at === "GET /v1/kiosks") send(response, 200, { items: [{ id: "k1", name: "Line 2, filler", clearance: 2, created_at: "2026-10-01T05:00:00Z", last_seen: "2026-10-02T06:01:00Z", is_active: true }], next_page_token: null });
  else if (at === "GET /v1/admin/users") send(response, 200, { items: ["admin", "operator", "viewer"].map((role, i) => ({ id: `u${i + 1}`, username: role, display_name: ["Jana Novak", "Petr Dvorak", "Lin Wei"][i], role, clearance: 3 - (i > 0 ? 1 : 0), is_active: i !== 2 })), next_page_token: null });
  else if (at === "POST /v1/feedback") send(response, 201, {});
  else if (at === "POST /v1/chat") {
    const { message } = await body(request);
    const whole = answer(String(message));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    await later(120);
    response.write(`event: passages\ndata: ${JSON.stringify({ passages: [citation(1), ...others], ms: 84 })}\n\n`);
    await later(/slow/.test(String(message)) ? 4000 : 500);
    response.end(`event: answer\ndata: ${JSON.stringify(whole)}\n\nevent: end\ndata: {}\n\n`);
  } else if (at === "GET /v1/documents") {
    const [q, status] = [url.searchParams.get("q") ?? "", url.searchParams.get("status")];
    send(response, 200, { items: rows.filter((r) => r.filename.toLowerCase().includes(q.toLowerCase()) && (!status || r.status === status)), next_page_token: "t" });
  } else if (at === "POST /v1/documents/upload") {
    await body(request);
    send(response, 202, { document_id: "d5", status: "processing", job_id: "j1" });
  } else if (number) {
    response.writeHead(200, { "Content-Type": "image/svg+xml" });
    response.end(page(Number(number)));
  } else if (/^GET \/v1\/documents\/\w+\/passages$/.test(at)) {
    const start = Number(url.searchParams.get("start") ?? 0);
    send(response, 200, { items: passages.slice(start, start + Number(url.searchParams.get("limit") ?? 20)), next_page_token: null });
  } else if (/^GET \/v1\/documents\/\w+$/.test(at)) send(response, 200, rows.find((r) => url.pathname.endsWith(r.id)));
  else if (at === "GET /v1/audit") send(response, 200, { items: audit, next_page_token: "n" });
  else if (at === "GET /v1/audit/checkpoint") send(response, 200, { log: "0192f0e4-7a1b-7cc2-8d31/1", size: 1284, root: "q83vNq1dX7mJY2f0bE0bXw8w3m1k0b0w8b2l5e7d9f1=", signed_note: "", last_witnessed: null });
  else return false;
  return true;
}

export function mock(): Plugin {
  return {
    name: "pretend-node",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        handle(request, response).then((done) => done || next(), next);
      });
    },
  };
}

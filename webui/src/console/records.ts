import type { AuditEntry } from "../api/types.ts";

/** Event names of the record, as the filter offers them. */
export const EVENTS = [
  "chat.request",
  "chat.response",
  "chat.receipt",
  "search.query",
  "doc.upload",
  "doc.ingestion",
  "doc.access",
  "documents.list",
  "documents.delete",
  "feedback.give",
  "auth.login",
  "auth.denied",
  "auth.refresh",
  "auth.logout",
  "policy.denied",
  "admin.user_created",
  "admin.role_changed",
  "kiosks.enrol",
  "kiosk.enrolled",
  "kiosks.revoke",
  "audit.read_all",
  "audit.read_own",
] as const;

export interface Line {
  key: string;
  entry: AuditEntry;
  time: string;
  event: string;
  person: string;
  subject: string;
  result: "success" | "error" | "denied" | "open";
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function result(record: Record<string, unknown>): Line["result"] {
  const status = text(record["result_status"]);
  if (status === "success" || status === "denied") return status;
  return status === "" ? "open" : "error";
}

/** One table row from one record. Ids are shortened here; the drawer shows them whole. */
export function read(entry: AuditEntry): Line {
  const { record } = entry;
  const actor = (record["actor"] ?? {}) as Record<string, unknown>;
  const personal = (record["personal"] ?? {}) as Record<string, unknown>;
  const name = text(personal["name"]) || text(personal["username"]);
  const who = name || [text(actor["kind"]), text(record["user_id"]).slice(-6)].filter(Boolean).join(" ");
  return {
    key: `${entry.log}/${entry.seq}`,
    entry,
    time: text(record["created_at"]),
    event: text(record["event_type"]),
    person: who,
    subject: [text(record["resource_type"]), text(record["resource_id"]).slice(-6)].filter(Boolean).join(" "),
    result: result(record),
  };
}

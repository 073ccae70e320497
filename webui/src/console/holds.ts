import type { HoldRow, NewHold } from "../api/types.ts";
import { moment } from "../parts/times.ts";
import { words } from "../words/en.ts";

export const KINDS = ["period", "person", "document", "work", "everything"] as const;
export type Kind = (typeof KINDS)[number];

/** What a form holds; of it only what its kind asks for is sent. */
export interface Draft {
  kind: Kind;
  from: string;
  to: string;
  person: string;
  document: string;
  work: string;
  reason: string;
}

export const blank: Draft = { kind: "period", from: "", to: "", person: "", document: "", work: "", reason: "" };

const texts = words.holds.named;
const utc = (local: string): string | null => (local === "" ? null : new Date(local).toISOString());

/** A hold as the box takes it. */
export function asked(draft: Draft): NewHold {
  const timed = draft.kind === "period" || draft.kind === "person";
  return {
    reason: draft.reason.trim(),
    since: timed ? utc(draft.from) : null,
    until: timed ? utc(draft.to) : null,
    user_id: draft.kind === "person" ? draft.person : null,
    document_id: draft.kind === "document" ? draft.document : null,
    correlation_id: draft.kind === "work" ? draft.work.trim() : null,
  };
}

/** Whether a draft says what its kind asks for. */
export function complete(draft: Draft): boolean {
  const said = { period: draft.from || draft.to, person: draft.person, document: draft.document, work: draft.work.trim(), everything: "yes" };
  return said[draft.kind] !== "" && draft.reason.trim() !== "";
}

type Named = Partial<Pick<HoldRow, "since" | "until" | "user_id" | "document_id" | "correlation_id">>;

/** What a hold keeps, in words; `names` are those of people and documents, by id. */
export function named(hold: Named, names: ReadonlyMap<string, string>): string {
  const of = (id: string): string => names.get(id) ?? id;
  const what = [
    hold.user_id && texts.person(of(hold.user_id)),
    hold.document_id && texts.document(of(hold.document_id)),
    hold.correlation_id && texts.work(hold.correlation_id),
  ].filter(Boolean);
  const from = moment(hold.since);
  const to = moment(hold.until);
  const when = from && to ? texts.between(from, to) : from ? texts.since(from) : to ? texts.until(to) : "";
  if (what.length === 0 && when === "") return texts.everything;
  return [what.join(", ") || texts.period, when].filter(Boolean).join(" ");
}

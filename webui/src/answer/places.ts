import type { Citation, Fractions } from "../api/types.ts";
import { below, row, type Cell } from "./text.ts";

/** One place in a document with everything that is quoted from it. */
export interface Place {
  key: string;
  documentId: string;
  name: string;
  filename: string;
  revision: string | null;
  page: number | null;
  heading: string;
  passages: number[];
  ordinal: number;
  quotes: string[];
  boxes: Fractions[];
}

const SHORT = 80;

function place(citation: Citation): Place {
  return {
    key: `${citation.passage_id}/${citation.page ?? ""}/${citation.quote.slice(0, 40)}`,
    documentId: citation.document_id,
    name: citation.title || citation.filename,
    filename: citation.filename,
    revision: citation.revision,
    page: citation.page,
    heading: below(citation.title, citation.heading),
    passages: [citation.passage_id],
    ordinal: citation.ordinal,
    quotes: [citation.quote],
    boxes: citation.boxes.length > 0 ? citation.boxes : citation.box ? [citation.box] : [],
  };
}

const together = (a: Place, b: Place): boolean =>
  a.documentId === b.documentId && a.page === b.page && a.heading === b.heading;

/** Citations as places: neighbours under one heading of one page are one, as a procedure's parts or a row's cells are. */
export function places(citations: readonly Citation[]): Place[] {
  const found: Place[] = [];
  for (const next of citations.map(place)) {
    const last = found.at(-1);
    if (!last || !together(last, next)) {
      found.push(next);
      continue;
    }
    last.quotes.push(...next.quotes);
    last.boxes = [...last.boxes, ...next.boxes];
    last.passages.push(...next.passages);
  }
  return found;
}

/** Each citation a place of its own, as a list of passages shows them. */
export function separate(citations: readonly Citation[]): Place[] {
  const seen = new Set<string>();
  return citations.map(place).filter(({ key }) => !seen.has(key) && seen.add(key));
}

/**
 * The quotes of a place as labels and values, where they come from a table: whole rows, or single cells of one row.
 * Null for running text.
 */
export function rows(quotes: readonly string[]): Cell[][] | null {
  if (quotes.some((quote) => quote.includes("\n"))) return null;
  const whole = quotes.map(row);
  if (whole.every((cells) => cells !== null)) return whole;
  if (quotes.some((quote) => quote.length > SHORT)) return null;
  const joined = row(quotes.join(" | "));
  return joined && [joined];
}

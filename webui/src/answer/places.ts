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

const samePassage = (a: Place, b: Place): boolean => a.passages[0] === b.passages[0] && a.page === b.page;

/** Neighbours that `belong` become one place; what is quoted twice from one place is quoted once. */
function joined(citations: readonly Citation[], belong: (a: Place, b: Place) => boolean): Place[] {
  const found: Place[] = [];
  for (const next of citations.map(place)) {
    const last = found.at(-1);
    if (!last || !belong(last, next)) {
      found.push(next);
    } else if (!last.quotes.includes(next.quotes[0] ?? "")) {
      last.quotes.push(...next.quotes);
      last.boxes = [...last.boxes, ...next.boxes];
      last.passages.push(...next.passages);
    }
  }
  const seen = new Set<string>();
  return found.filter(({ key }) => !seen.has(key) && seen.add(key));
}

/** The places an answer quotes: neighbours under one heading of one page are one, as a procedure's parts are. */
export function places(citations: readonly Citation[]): Place[] {
  return joined(citations, together);
}

/** Each passage a place of its own, as a list of passages shows them; the cells of one row stay together. */
export function separate(citations: readonly Citation[]): Place[] {
  return joined(citations, samePassage);
}

/** The quotes of a place on one line. */
export function snippet(quotes: readonly string[]): string {
  return quotes.join(rows(quotes) ? " | " : " ");
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

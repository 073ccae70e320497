/** Pure reading of passage texts: where the quote stands, and rows of tables as label and value. */

export interface Stretch {
  text: string;
  marked: boolean;
}

/**
 * `text` cut into stretches with every occurrence of a `needles` entry marked.
 * White space is compared loosely, because a quote may have been joined from broken lines.
 */
export function marked(text: string, needles: readonly string[]): Stretch[] {
  const wanted = needles.map((needle) => needle.trim()).filter(Boolean);
  if (wanted.length === 0) return [{ text, marked: false }];
  const escaped = wanted.map((needle) =>
    needle
      .split(/\s+/)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("\\s+"),
  );
  const pattern = new RegExp(`(${escaped.join("|")})`, "i");
  return text
    .split(pattern)
    .map((part, index) => ({ text: part, marked: index % 2 === 1 }))
    .filter((part) => part.text !== "");
}

const WHOLE = /(\d[\d.,]*[ \u00a0](?:%|°\p{L}{0,2}|[\p{L}µΩ]{1,3}(?:\/[\p{L}]+)?)(?![\p{L}\d])|(?:[\p{L}\d]+[-/.])+[\p{L}\d]*\d[\p{L}\d]*)/u;

/** Longer than any tag: such a chain of words must break somewhere, or it leaves its frame. */
const LONGEST = 28;

/** `text` cut so that a tag (P-101A) and a number with its unit (86 Nm) can be kept on one line. */
export function pieces(text: string): { text: string; whole: boolean }[] {
  return text
    .split(WHOLE)
    .map((part, index) => ({ text: part, whole: index % 2 === 1 && part.length <= LONGEST }))
    .filter((part) => part.text !== "");
}

/** A heading path without the document's own title at its front, ready to be read. */
export function below(title: string, heading: string): string {
  const path = heading.split(" > ");
  if (path[0]?.trim() === title.trim()) path.shift();
  return path.join(" › ");
}

export interface Cell {
  label: string;
  value: string;
}

/** `Thread: M12 | Torque: 47 Nm` as cells; null where the line is not such a row. */
export function row(line: string): Cell[] | null {
  const parts = line.trim().split(/\s+\|\s+/);
  if (parts.length < 2) return null;
  const cells: Cell[] = [];
  for (const part of parts) {
    const colon = part.indexOf(": ");
    if (colon < 1) return null;
    cells.push({ label: part.slice(0, colon).trim(), value: part.slice(colon + 2).trim() });
  }
  return cells;
}

export interface Table {
  caption: string;
  labels: string[];
  rows: { cells: Cell[]; line: string }[];
}

/** A table passage as a table: at least one row, the same labels in each; null where that does not hold. */
export function table(text: string): Table | null {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const first = lines.findIndex((line) => row(line) !== null);
  if (first < 0) return null;
  const rows = lines.slice(first).map((line) => ({ cells: row(line), line }));
  const labels = rows[0]?.cells?.map((cell) => cell.label) ?? [];
  const whole: Table["rows"] = [];
  for (const { cells, line } of rows) {
    if (!cells || cells.length !== labels.length || cells.some((cell, at) => cell.label !== labels[at])) return null;
    whole.push({ cells, line });
  }
  return { caption: lines.slice(0, first).join(" "), labels, rows: whole };
}

/** Whether a row's line and the quote are the same words, one inside the other. */
export function holds(line: string, quote: string): boolean {
  const plain = (text: string): string => text.replace(/\s+/g, " ").trim().toLowerCase();
  const [a, b] = [plain(line), plain(quote)];
  return b !== "" && (a.includes(b) || b.includes(a));
}

/** How large a quote may be set to be read from an arm's length and still fit, where `share` quotes share the room. */
export function quoteSize(text: string, share = 1): "large" | "medium" | "small" {
  const room = text.length * share;
  if (room <= 95) return "large";
  return room <= 230 ? "medium" : "small";
}

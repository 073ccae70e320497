import type { Spent } from "../api/types.ts";
import type { Series } from "../parts/chart.ts";

/** What use is told by, and what of it. */
export const DIVISIONS = ["model", "person", "purpose", "provider"] as const;
export type Division = (typeof DIVISIONS)[number];
export const MEASURES = ["tokens", "uses", "seconds"] as const;
export type Measure = (typeof MEASURES)[number];

export function key(row: Spent, by: Division): string {
  return (by === "person" ? row.person_id : by === "purpose" ? row.purpose : by === "provider" ? row.provider : row.model) ?? "";
}

export function amount(row: Spent, measure: Measure): number {
  if (measure === "uses") return row.uses;
  return measure === "seconds" ? row.ms / 1000 : row.prompt_tokens + row.completion_tokens;
}

/** The last `count` days (UTC), oldest first, as the node writes them: 2026-11-28. */
export function lastDays(count: number, now: Date): string[] {
  return Array.from({ length: count }, (_, place) => new Date(now.getTime() - (count - 1 - place) * 86_400_000).toISOString().slice(0, 10));
}

/** One series for each value of the division, with a point for every day, used or not. */
export function series(rows: Spent[], by: Division, measure: Measure, days: string[], name: (key: string) => string, dayName: (day: string) => string): Series[] {
  const keys = [...new Set(rows.map((row) => key(row, by)))].toSorted();
  return keys.map((one) => ({
    label: name(one),
    points: days.map((day) => ({
      at: dayName(day),
      value: rows.filter((row) => row.day === day && key(row, by) === one).reduce((sum, row) => sum + amount(row, measure), 0),
    })),
  }));
}

export interface Total {
  key: string;
  uses: number;
  prompt: number;
  completion: number;
  seconds: number;
  /** By currency. */
  costs: Record<string, number>;
}

/** Each value of the division over all days, the most used first. */
export function totals(rows: Spent[], by: Division): Total[] {
  const found = new Map<string, Total>();
  for (const row of rows) {
    const one = found.get(key(row, by)) ?? { key: key(row, by), uses: 0, prompt: 0, completion: 0, seconds: 0, costs: {} };
    one.uses += row.uses;
    one.prompt += row.prompt_tokens;
    one.completion += row.completion_tokens;
    one.seconds += row.ms / 1000;
    one.costs = added(one.costs, { [row.currency]: Number(row.cost) });
    found.set(one.key, one);
  }
  return [...found.values()].toSorted((one, other) => other.prompt + other.completion - one.prompt - one.completion);
}

/** Sums by currency; what cost nothing is left out. */
export function added(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  const sum = { ...one };
  for (const [currency, cost] of Object.entries(other)) if (cost) sum[currency] = (sum[currency] ?? 0) + cost;
  return sum;
}

/** The rows as a table for a spreadsheet (RFC 4180); a field that a spreadsheet would run as a formula gets a mark before it. */
export function csv(rows: Spent[], by: Division, name: (key: string) => string): string {
  const field = (value: string | number): string => {
    const text = String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = ["day", "model", ...(by === "model" ? [] : [by]), "uses", "prompt_tokens", "completion_tokens", "seconds", "cost", "currency"];
  const lines = rows.map((row) => [row.day, row.model, ...(by === "model" ? [] : [name(key(row, by))]), row.uses, row.prompt_tokens, row.completion_tokens, (row.ms / 1000).toFixed(1), row.cost, row.currency]);
  return [head, ...lines].map((line) => line.map(field).join(",")).join("\r\n") + "\r\n";
}

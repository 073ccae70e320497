/** Dates and sizes in the reader's own manner, and waits in plain words. */

const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function moment(text: string | null | undefined, exact = false): string {
  const time = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? "" : (exact ? EXACT : SHORT).format(time);
}

export function day(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? "" : DAY.format(time);
}

export function wait(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return `${Math.ceil(seconds / 60)} min`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB"];
  const power = Math.min(units.length, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** The kiosk's own keyboard: what each key types, row by row. Eleven columns, so that every key stays wide. */
export interface Key {
  /** What is typed; letters are lower case here and raised by Shift. */
  plain: string;
  shifted: string;
}

const letter = (small: string): Key => ({ plain: small, shifted: small.toUpperCase() });
const letters = (row: string): Key[] => [...row].map(letter);
const pair = (plain: string, shifted: string): Key => ({ plain, shifted });

export const NUMBERS: Key[] = [
  pair("1", "!"),
  pair("2", '"'),
  pair("3", "#"),
  pair("4", "°"),
  pair("5", "%"),
  pair("6", "&"),
  pair("7", "("),
  pair("8", ")"),
  pair("9", "="),
  pair("0", "+"),
];
export const TOP: Key[] = [...letters("qwertyuiop"), pair("-", "_")];
export const HOME: Key[] = [...letters("asdfghjkl"), pair(".", ":"), pair("/", "?")];
export const BOTTOM: Key[] = [...letters("zxcvbnm"), pair(",", "'"), pair(";", "*")];

export type Shift = "off" | "once" | "locked";

/** Shift pressed: once, then locked, then off. */
export function nextShift(shift: Shift): Shift {
  return ({ off: "once", once: "locked", locked: "off" } as const)[shift];
}

/** Shift after a character was typed. */
export function afterTyping(shift: Shift): Shift {
  return shift === "once" ? "off" : shift;
}

/** The character a key gives now. A lock raises letters alone, so that P-101A needs no juggling. */
export function typed(key: Key, shift: Shift): string {
  const isLetter = key.shifted === key.plain.toUpperCase() && key.shifted !== key.plain;
  return shift === "once" || (shift === "locked" && isLetter) ? key.shifted : key.plain;
}

export interface Edit {
  text: string;
  caret: number;
}

/** `typed` in place of the selection `start..end`, cut off where `limit` characters are reached. */
export function insert(text: string, start: number, end: number, typed: string, limit: number): Edit {
  const room = Math.max(0, limit - (text.length - (end - start)));
  const fits = typed.slice(0, room);
  return { text: text.slice(0, start) + fits + text.slice(end), caret: start + fits.length };
}

/** The selection gone, or the one character (a whole code point) before the caret. */
export function erase(text: string, start: number, end: number): Edit {
  if (start !== end) return { text: text.slice(0, start) + text.slice(end), caret: start };
  const before = [...text.slice(0, start)];
  before.pop();
  const kept = before.join("");
  return { text: kept + text.slice(end), caret: kept.length };
}

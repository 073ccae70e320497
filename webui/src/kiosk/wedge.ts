/**
 * Tells a badge reader from a person. Most readers are a keyboard to the kiosk: they type the badge and then Enter, each
 * key within a few milliseconds of the one before. Nobody with a glove, or without, types a word like that.
 */
const FASTEST_MS = 35;
/** As the node wants it: a badge has 6 to 128 letters or digits. */
const SHORTEST = 6;

export class Wedge {
  #read = "";
  #last = Number.NEGATIVE_INFINITY;

  /** Whether the next key begins a new run: none came just before it. */
  begins(at: number): boolean {
    return at - this.#last > FASTEST_MS;
  }

  /** The badge, where this key ends one; else null. `at` is the time of the key in milliseconds. */
  key(key: string, at: number): string | null {
    const begins = this.begins(at);
    if (begins) this.#read = "";
    if (key === "Enter") {
      const read = this.#read;
      this.#read = "";
      this.#last = Number.NEGATIVE_INFINITY;
      return isBadge(read) ? read : null;
    }
    // Shift and its like come between the letters of a reader too.
    if ([...key].length === 1) this.#read += key;
    this.#last = at;
    return null;
  }
}

function isBadge(read: string): boolean {
  return !/\s/.test(read) && [...read].filter((letter) => /[\p{L}\p{N}]/u.test(letter)).length >= SHORTEST;
}

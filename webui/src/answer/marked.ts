export interface Part {
  text: string;
  /** It stands word for word in what says it: a figure with its unit, or a number of a part. */
  value: boolean;
}

/** A number with what is written right after it, a tag such as P-101A, a thread such as M12x1.75. */
const VALUE = /[A-Z]{1,4}-?\d[\w./-]*|\d+(?:[.,]\d+)*(?:\s?(?:%|°[A-Za-z]*|[A-Za-zµ²³]+(?:\/[A-Za-z²³]+)?))?/g;
const CITATION = /\[\d{1,3}(?:\s?,\s?\d{1,3})*\]/g;

/** A sentence without its citations, its values told apart from the rest where they stand so in one of `said`. */
export function marked(sentence: string, said: string[]): Part[] {
  const text = sentence.replace(CITATION, "").replace(/\s+([.,;!])/g, "$1").replace(/\s{2,}/g, " ").trim();
  const parts: Part[] = [];
  let done = 0;
  for (const match of text.matchAll(VALUE)) {
    const value = longest(match[0], said);
    if (!value) continue;
    if (match.index > done) parts.push({ text: text.slice(done, match.index), value: false });
    parts.push({ text: value, value: true });
    done = match.index + value.length;
  }
  if (done < text.length) parts.push({ text: text.slice(done), value: false });
  return parts;
}

/** The value with its unit if it stands so there, else without it, else nothing. */
function longest(found: string, said: string[]): string {
  for (const one of [found, found.split(/\s/)[0] ?? ""]) if (one && said.some((text) => text.includes(one))) return one;
  return "";
}

/** Works out in the browser whether a record is proven: RFC 6962 hashes, RFC 9162 path, the signed head above it. */

export interface Proof {
  entry: { seq: number; hash: string };
  record: string;
  proof: string[];
  checkpoint: { size: number; root: string; signed_note: string };
  public_key: string;
}

/** "here" where the path leads to the signed root; "unsigned" where this browser cannot check the signature itself. */
export type Proven = "here" | "unsigned" | "no" | "unable";

export async function proven(found: Proof): Promise<Proven> {
  // Only a page that came over TLS or from this very machine may hash.
  if (!globalThis.crypto?.subtle) return "unable";
  const { size, root, signed_note: note } = found.checkpoint;
  const leaf = await sha256(Uint8Array.of(0), new TextEncoder().encode(found.record));
  const lines = note.split("\n");
  const agrees = hex(leaf) === found.entry.hash && lines[1] === String(size) && lines[2] === base64(bytes(root));
  if (!agrees || !(await leads(leaf, found.entry.seq, size, found.proof.map(bytes), root))) return "no";
  return signed(note, bytes(found.public_key));
}

async function leads(leaf: Uint8Array, index: number, size: number, path: Uint8Array[], root: string): Promise<boolean> {
  if (index < 0 || index >= size) return false;
  // Places in a log may pass 32 bits, so halves are taken by division.
  let [at, last, node] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      node = await sha256(Uint8Array.of(1), sibling, node);
      while (at % 2 === 0 && at > 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      node = await sha256(Uint8Array.of(1), node, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && hex(node) === root;
}

async function signed(note: string, key: Uint8Array): Promise<Proven> {
  const end = note.indexOf("\n\n");
  const text = new TextEncoder().encode(note.slice(0, end + 1));
  const blob = Uint8Array.from(atob(note.slice(end + 2).trim().split(" ").at(-1) ?? ""), (letter) => letter.charCodeAt(0));
  let known: CryptoKey;
  try {
    known = await crypto.subtle.importKey("raw", key as BufferSource, "Ed25519", false, ["verify"]);
  } catch {
    return "unsigned";
  }
  return (await crypto.subtle.verify("Ed25519", known, blob.slice(4), text)) ? "here" : "no";
}

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (raw: Uint8Array): string => Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (raw: Uint8Array): string => btoa(String.fromCharCode(...raw));

/** A step-up by the company's sign-in happens in a window of its own, which tells the others of this origin what came of it. */

export type Told = { code: string } | { refused: string };

const NAME = "outpost.step-up";

/** What an identity provider's window brought back, taken out of the address; null where this is no such window. */
function brought(): Told | null {
  const found = new URLSearchParams(location.hash.slice(1));
  const code = found.get("confirmed");
  const refused = found.get("unconfirmed");
  if (code === null && refused === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return code !== null ? { code } : { refused: refused ?? "" };
}

/** True where this window only came back to tell; it closes itself where the browser lets it. */
export function tells(): boolean {
  const told = brought();
  if (!told) return false;
  const channel = new BroadcastChannel(NAME);
  channel.postMessage(told);
  channel.close();
  window.close();
  return true;
}

/** Hear what a window tells, until the function that is returned is called. */
export function hear(told: (what: Told) => void): () => void {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = (event: MessageEvent<Told>) => told(event.data);
  return () => channel.close();
}

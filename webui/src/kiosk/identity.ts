/**
 * Who this kiosk is: a key pair that the browser keeps and cannot export, and the id the node gave it.
 * Both live in IndexedDB; a page that reads them still cannot take the private key away.
 */
export interface Identity {
  kioskId: string;
  tenant: string;
  name: string;
  keys: CryptoKeyPair;
}

const DATABASE = "outpost-kiosk";
const STORE = "identity";
const SLOT = "this";
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return settled(request);
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

export async function load(): Promise<Identity | null> {
  const found: unknown = await within("readonly", (store) => store.get(SLOT) as IDBRequest<unknown>);
  return (found as Identity | undefined) ?? null;
}

export async function save(identity: Identity): Promise<void> {
  await within("readwrite", (store) => store.put(identity, SLOT));
}

export async function forget(): Promise<void> {
  await within("readwrite", (store) => store.delete(SLOT));
}

/** Key storage needs a page the browser calls secure: https, or this machine itself. */
export function canHoldKeys(): boolean {
  return globalThis.isSecureContext && "subtle" in crypto;
}

export async function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
}

export async function publicKey(keys: CryptoKeyPair): Promise<Record<string, unknown>> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", keys.publicKey);
  return { kty, crv, x, y };
}

/** ES256 over the challenge's own characters: raw r||s, base64url without padding. */
export async function sign(keys: CryptoKeyPair, challenge: string): Promise<string> {
  const bytes = new TextEncoder().encode(challenge);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, keys.privateKey, bytes);
  const text = String.fromCharCode(...new Uint8Array(signature));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

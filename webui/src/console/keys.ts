/** Security keys and passkeys of this browser, as JSON of WebAuthn on both sides. */

/** Whether this browser has them at this address: a name, over TLS or on localhost. */
export const keysWork: boolean =
  typeof PublicKeyCredential !== "undefined" &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential &&
  !/^[0-9.]+$|:/.test(location.hostname);

type Options = Record<string, unknown>;

/** What a key says to a challenge; null where the person did not touch one. */
export async function touched(options: Options): Promise<string | null> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON);
  return said(() => navigator.credentials.get({ publicKey }));
}

/** A new credential; null where the person did not touch a key, or it is known already. */
export async function created(options: Options): Promise<string | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  return said(() => navigator.credentials.create({ publicKey }));
}

async function said(ask: () => Promise<Credential | null>): Promise<string | null> {
  try {
    return JSON.stringify(((await ask()) as PublicKeyCredential | null)?.toJSON() ?? null);
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
}

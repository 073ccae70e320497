import { Client, plainFetch, postOpenly, type Credentials } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Person, SignedIn, Tokens } from "../api/types.ts";

const KEY = "outpost.session";
const TENANT = "outpost.tenant";

function kept(): SignedIn | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as SignedIn | null;
  } catch {
    return null;
  }
}

/** The signed-in person of this browser tab. Tokens live in memory and in the tab's session storage, nowhere else. */
class Session implements Credentials {
  #held: SignedIn | null = $state.raw(kept());
  #renewal: Promise<boolean> | null = null;
  /** True after a session ended without the person asking for it. */
  expired: boolean = $state(false);

  get person(): Person | null {
    return this.#held?.user ?? null;
  }

  get lastTenant(): string {
    return localStorage.getItem(TENANT) ?? "";
  }

  async signIn(tenant: string, username: string, password: string): Promise<void> {
    this.#hold(await postOpenly<SignedIn>("/v1/auth/login", { tenant, username, password }));
    localStorage.setItem(TENANT, tenant);
    this.expired = false;
  }

  async signOut(): Promise<void> {
    const held = this.#held;
    this.#hold(null);
    this.expired = false;
    if (!held) return;
    // The tab forgets first: a box that does not answer must not keep anyone signed in on this screen.
    await plainFetch("/v1/auth/logout", {
      method: "POST",
      headers: { Authorization: `Bearer ${held.access_token}` },
    }).catch(() => undefined);
  }

  token(): Promise<string | null> {
    return Promise.resolve(this.#held?.access_token ?? null);
  }

  /** One refresh for all calls that meet a 401 at the same time. */
  renew(): Promise<boolean> {
    this.#renewal ??= this.#refresh().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #refresh(): Promise<boolean> {
    const held = this.#held;
    if (!held) return false;
    try {
      const fresh = await postOpenly<Partial<SignedIn> & Tokens>("/v1/auth/refresh", { refresh_token: held.refresh_token });
      this.#hold({ ...held, ...fresh });
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#hold(null);
      this.expired = true;
      return false;
    }
  }

  #hold(session: SignedIn | null): void {
    this.#held = session;
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
  }
}

export const session = new Session();
export const client = new Client(session);

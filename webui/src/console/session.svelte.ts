import { body, Client, IN_COOKIE, open, type Credentials } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import type { Person, SignedIn } from "../api/types.ts";

const KEY = "outpost.session";
const TENANT = "outpost.tenant";
const TURN = "outpost.refresh";

function kept(): Person | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Person | null;
  } catch {
    return null;
  }
}

/**
 * The signed-in person of this browser tab. The tab keeps who that is; the access token lives in memory alone, the refresh
 * token in a cookie that no script can read. Tabs share that cookie, so they take turns to use it.
 */
class Session implements Credentials {
  #person: Person | null = $state.raw(kept());
  #token: string | null = null;
  #renewal: Promise<boolean> | null = null;
  /** True after a session ended without the person asking for it. */
  expired: boolean = $state(false);

  get person(): Person | null {
    return this.#person;
  }

  get lastTenant(): string {
    return localStorage.getItem(TENANT) ?? "";
  }

  async signIn(tenant: string, username: string, password: string): Promise<void> {
    this.#hold(await body(open.POST("/v1/auth/login", { body: { tenant, username, password }, headers: IN_COOKIE })));
    localStorage.setItem(TENANT, tenant);
    this.expired = false;
  }

  async signOut(): Promise<void> {
    const [person, token] = [this.#person, this.#token];
    this.#forget();
    this.expired = false;
    if (!person) return;
    // The tab forgets first: a box that does not answer must not keep anyone signed in on this screen.
    const ended = token !== null && (await this.#end(token).catch(() => false));
    if (ended) return;
    // The token is too old, or was lost with a reload: the session is ended with a new one.
    const fresh = await this.#fresh().catch(() => null);
    if (fresh) await this.#end(fresh.access_token).catch(() => undefined);
  }

  async token(): Promise<string | null> {
    if (this.#token === null && this.#person !== null) await this.renew();
    return this.#token;
  }

  /** One refresh for all calls that meet a 401 at the same time. */
  renew(): Promise<boolean> {
    this.#renewal ??= this.#refresh().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #refresh(): Promise<boolean> {
    const person = this.#person;
    if (!person) return false;
    try {
      const fresh = await this.#fresh();
      if (this.#person !== person) return false;
      // Somebody else has signed in in another tab: this one must not act in their name.
      if (fresh.user.id === person.id) {
        this.#hold(fresh);
        return true;
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    this.#forget();
    this.expired = true;
    return false;
  }

  /** New tokens for the cookie of this browser. */
  async #fresh(): Promise<SignedIn> {
    // The cookie takes the place of the body.
    const ask = (): Promise<SignedIn> => body(open.POST("/v1/auth/refresh", { body: { refresh_token: "" }, headers: IN_COOKIE }));
    return await navigator.locks.request(TURN, ask);
  }

  async #end(token: string): Promise<boolean> {
    await open.POST("/v1/auth/logout", { headers: { ...IN_COOKIE, Authorization: `Bearer ${token}` } });
    return true;
  }

  #hold(signedIn: SignedIn): void {
    this.#token = signedIn.access_token;
    this.#person = signedIn.user;
    sessionStorage.setItem(KEY, JSON.stringify(signedIn.user));
  }

  #forget(): void {
    this.#token = null;
    this.#person = null;
    sessionStorage.removeItem(KEY);
  }
}

export const session = new Session();
export const client = new Client(session);

import { body, Client, IN_COOKIE, open, type Credentials } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { touched } from "./keys.ts";
import type { FactorKind, Person, SignedIn } from "../api/types.ts";

export interface SecondStep {
  tenant: string;
  challenge: string;
  kinds: FactorKind[];
}

export interface Asked {
  action: string;
  resource: string;
  answer: (stepUp: string | null) => void;
}

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
  /** True while all that the person may do is enrol a second factor. */
  narrowed: boolean = $state(false);
  /** What the person is asked to do beside their role, as far as it is in force. */
  duties: string[] = $state.raw([]);
  /** Somebody whose password somebody else made: signed in for choosing their own, and nothing else. */
  first: SignedIn | null = $state.raw(null);
  /** What waits for the person to show again that it is them. */
  asked: Asked | null = $state.raw(null);

  get person(): Person | null {
    return this.#person;
  }

  get lastTenant(): string {
    return localStorage.getItem(TENANT) ?? "";
  }

  /** The challenge of the second step, where the person has a second factor; else they are signed in. */
  async signIn(tenant: string, username: string, password: string): Promise<SecondStep | null> {
    try {
      this.#enter(await body(open.POST("/v1/auth/login", { body: { tenant, username, password }, headers: IN_COOKIE })), tenant);
      return null;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "second-factor-required") throw error;
      return { tenant, challenge: String(error.fields["challenge"]), kinds: error.fields["kinds"] as FactorKind[] };
    }
  }

  async secondStep({ tenant, challenge }: SecondStep, kind: FactorKind, code: string): Promise<void> {
    this.#enter(await body(open.POST("/v1/auth/second-factor", { body: { challenge, kind, code }, headers: IN_COOKIE })), tenant);
  }

  /** The same with a security key; false where none was touched. */
  async secondStepByKey(step: SecondStep): Promise<boolean> {
    const { public_key } = await body(open.POST("/v1/auth/second-factor/options", { body: { challenge: step.challenge } }));
    const answer = await touched(public_key);
    if (answer) await this.secondStep(step, "webauthn", answer);
    return answer !== null;
  }

  /** Replace the password that somebody else made; the person is signed in then. */
  async choose(password: string): Promise<void> {
    const held = this.first;
    if (!held) return;
    await open.PUT("/v1/auth/password", { body: { password }, headers: { Authorization: `Bearer ${held.access_token}` } });
    this.first = null;
    this.#enter(await this.#fresh(), held.user.tenant);
  }

  /** Learn what the person may do: nothing but enrol a second factor, or read the record, or all of their role. */
  async look(): Promise<void> {
    const me = await body(client.call.GET("/v1/auth/me"));
    this.narrowed = me.scopes.length > 0;
    this.duties = me.duties;
  }

  confirm(action: string, resource: string): Promise<string | null> {
    return new Promise((answer) => {
      this.asked?.answer(null);
      this.asked = { action, resource, answer };
    });
  }

  /** Somebody came back from their identity provider; the code works once, in this browser. */
  async arrive(code: string): Promise<void> {
    const held = await body(open.POST("/v1/auth/exchange", { body: { code }, headers: IN_COOKIE }));
    this.#hold(held);
    localStorage.setItem(TENANT, held.user.tenant);
    this.expired = false;
  }

  async signOut(): Promise<void> {
    const [person, token] = [this.#person ?? this.first?.user, this.#token ?? this.first?.access_token ?? null];
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
      if (fresh.user.id === person.id && !fresh.must_change_password) {
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

  #enter(signedIn: SignedIn, tenant: string): void {
    if (signedIn.must_change_password) this.first = signedIn;
    else this.#hold(signedIn);
    localStorage.setItem(TENANT, tenant);
    this.expired = false;
  }

  #hold(signedIn: SignedIn): void {
    this.#token = signedIn.access_token;
    this.#person = signedIn.user;
    sessionStorage.setItem(KEY, JSON.stringify(signedIn.user));
  }

  #forget(): void {
    this.#token = null;
    this.#person = null;
    this.first = null;
    this.narrowed = false;
    this.duties = [];
    sessionStorage.removeItem(KEY);
  }
}

export const session = new Session();
export const client = new Client(session);

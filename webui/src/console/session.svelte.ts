import { body, Client, open, type Credentials } from "../api/client.ts";
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
  /** True while all that the person may do is enrol a second factor. */
  narrowed: boolean = $state(false);
  /** What waits for the person to show again that it is them. */
  asked: Asked | null = $state.raw(null);

  get person(): Person | null {
    return this.#held?.user ?? null;
  }

  get lastTenant(): string {
    return localStorage.getItem(TENANT) ?? "";
  }

  /** The challenge of the second step, where the person has a second factor; else they are signed in. */
  async signIn(tenant: string, username: string, password: string): Promise<SecondStep | null> {
    try {
      this.#enter(await body(open.POST("/v1/auth/login", { body: { tenant, username, password } })), tenant);
      return null;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "second-factor-required") throw error;
      return { tenant, challenge: String(error.fields["challenge"]), kinds: error.fields["kinds"] as FactorKind[] };
    }
  }

  async secondStep({ tenant, challenge }: SecondStep, kind: FactorKind, code: string): Promise<void> {
    this.#enter(await body(open.POST("/v1/auth/second-factor", { body: { challenge, kind, code } })), tenant);
  }

  /** The same with a security key; false where none was touched. */
  async secondStepByKey(step: SecondStep): Promise<boolean> {
    const { public_key } = await body(open.POST("/v1/auth/second-factor/options", { body: { challenge: step.challenge } }));
    const answer = await touched(public_key);
    if (answer) await this.secondStep(step, "webauthn", answer);
    return answer !== null;
  }

  /** Learn whether there is more to do than enrol a second factor. */
  async look(): Promise<void> {
    this.narrowed = (await body(client.call.GET("/v1/auth/me"))).scopes.length > 0;
  }

  confirm(action: string, resource: string): Promise<string | null> {
    return new Promise((answer) => {
      this.asked?.answer(null);
      this.asked = { action, resource, answer };
    });
  }

  /** Somebody came back from their identity provider; the code works once, in this browser. */
  async arrive(code: string): Promise<void> {
    const held = await body(open.POST("/v1/auth/exchange", { body: { code } }));
    this.#hold(held);
    localStorage.setItem(TENANT, held.user.tenant);
    this.expired = false;
  }

  async signOut(): Promise<void> {
    const held = this.#held;
    this.#hold(null);
    this.expired = false;
    if (!held) return;
    // The tab forgets first: a box that does not answer must not keep anyone signed in on this screen.
    const headers = { Authorization: `Bearer ${held.access_token}` };
    await open.POST("/v1/auth/logout", { headers }).catch(() => undefined);
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
      this.#hold(await body(open.POST("/v1/auth/refresh", { body: { refresh_token: held.refresh_token } })));
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#hold(null);
      this.expired = true;
      return false;
    }
  }

  #enter(signedIn: SignedIn, tenant: string): void {
    this.#hold(signedIn);
    localStorage.setItem(TENANT, tenant);
    this.expired = false;
  }

  #hold(session: SignedIn | null): void {
    this.#held = session;
    if (!session) this.narrowed = false;
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
  }
}

export const session = new Session();
export const client = new Client(session);

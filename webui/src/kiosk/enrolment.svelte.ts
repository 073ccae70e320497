import { body, open, type Credentials } from "../api/client.ts";
import { Problem } from "../api/problem.ts";
import { forget, load, newKeys, publicKey, save, sign, type Identity } from "./identity.ts";

const RENEW_BEFORE_S = 30;

/** This device's standing with the node: unknown while loading, then enrolled or not. Holds the short-lived token. */
class Enrolment implements Credentials {
  state: "loading" | "none" | "enrolled" | "refused" = $state("loading");
  name: string = $state("");
  tenant: string = $state("");
  #identity: Identity | null = null;
  #token: string | null = null;
  /** On the page's own clock: a kiosk's calendar clock may be wrong. */
  #goodUntil = 0;
  #renewal: Promise<boolean> | null = null;

  async start(): Promise<void> {
    this.#adopt(await load());
    // Whether the node still knows this kiosk is seen before anyone types; silence is no answer to that.
    await this.token().catch(() => undefined);
  }

  async enrol(code: string, name: string): Promise<void> {
    const keys = await newKeys();
    const public_key = await publicKey(keys);
    const reply = await body(open.POST("/v1/kiosks/enrol", { body: { code, name, public_key } }));
    const identity = { kioskId: reply.kiosk_id, tenant: reply.tenant, name, keys };
    await save(identity);
    this.#adopt(identity);
  }

  async leave(): Promise<void> {
    await forget();
    this.#adopt(null);
  }

  async token(): Promise<string | null> {
    if (!this.#token || performance.now() > this.#goodUntil) await this.renew();
    return this.#token;
  }

  renew(): Promise<boolean> {
    this.#renewal ??= this.#prove().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #prove(): Promise<boolean> {
    const identity = this.#identity;
    if (!identity) return false;
    const kiosk_id = identity.kioskId;
    try {
      const { challenge } = await body(open.POST("/v1/kiosks/challenge", { body: { kiosk_id } }));
      const signature = await sign(identity.keys, challenge);
      const reply = await body(open.POST("/v1/kiosks/token", { body: { kiosk_id, challenge, signature } }));
      this.#token = reply.access_token;
      this.#goodUntil = performance.now() + Math.max(5, reply.expires_in - RENEW_BEFORE_S) * 1000;
      this.state = "enrolled";
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500 || error.status === 429) throw error;
      this.#token = null;
      this.state = "refused";
      return false;
    }
  }

  #adopt(identity: Identity | null): void {
    this.#identity = identity;
    this.#token = null;
    this.name = identity?.name ?? "";
    this.tenant = identity?.tenant ?? "";
    this.state = identity ? "enrolled" : "none";
  }
}

export const enrolment = new Enrolment();

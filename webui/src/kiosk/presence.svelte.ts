import { body, Client, open, type Credentials } from "../api/client.ts";
import type { PersonHere } from "../api/types.ts";
import { enrolment } from "./enrolment.svelte.ts";

/**
 * Who stands at this kiosk. Their token works beside the kiosk's own alone, and lives in memory: a reload forgets them.
 */
class Presence implements Credentials {
  person: PersonHere | null = $state.raw(null);

  /** Whose badge it is: a viewer, or with the PIN whatever they are. Whoever was here before leaves. */
  async enter(badge: string, pin: string | null): Promise<void> {
    this.leave();
    // Not by the client below: it would try a refused PIN a second time, and each try counts.
    const headers = { Authorization: `Bearer ${await enrolment.token()}` };
    this.person = await body(open.POST("/v1/kiosks/person", { body: { badge, pin }, headers }));
  }

  leave(): void {
    const person = this.person;
    this.person = null;
    // The screen forgets first: a box that does not answer must not keep anyone at this kiosk.
    if (person) void this.#end(person.access_token).catch(() => undefined);
  }

  async token(): Promise<string | null> {
    return this.person?.access_token ?? (await enrolment.token());
  }

  async beside(): Promise<Record<string, string>> {
    const kiosk = this.person && (await enrolment.token());
    return kiosk ? { "X-Kiosk-Token": kiosk } : {};
  }

  /** The person's time is over, or the kiosk's token is: it goes on as the kiosk alone. */
  renew(): Promise<boolean> {
    this.person = null;
    return enrolment.renew();
  }

  async #end(token: string): Promise<void> {
    await open.POST("/v1/auth/logout", { headers: { Authorization: `Bearer ${token}`, "X-Kiosk-Token": (await enrolment.token()) ?? "" } });
  }
}

export const presence = new Presence();
export const client = new Client(presence);

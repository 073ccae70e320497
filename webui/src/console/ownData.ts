import { body } from "../api/client.ts";
import type { DataRequest } from "../api/types.ts";
import { save } from "../parts/saving.ts";
import { client } from "./session.svelte.ts";

/** What an erased person is called from then on; they are listed nowhere but in the record. */
export const erased = (username: string): boolean => username.startsWith("-erased-");

/** Gives all that is kept of a person, or of who is signed in, to the browser as a file. */
export async function saveData(name: string, person_id: string | null): Promise<void> {
  const text = await body(client.call.POST("/v1/compliance/gdpr/data-subject-request", { body: { person_id }, parseAs: "text" }));
  save(name, text as string);
}

/** Asks that a person, or who is signed in, be erased; asked twice it is one request. */
export async function askErasure(person_id: string | null): Promise<DataRequest> {
  return body(client.call.POST("/v1/compliance/gdpr/erasure-request", { body: { person_id } }));
}

/** Has the person erased; the box asks who is signed in to confirm that it is them. */
export async function approve(request: DataRequest): Promise<void> {
  await client.call.POST("/v1/compliance/gdpr/requests/{request_id}/approve", { params: { path: { request_id: request.id } } });
}

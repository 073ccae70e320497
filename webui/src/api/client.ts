import createFetch, { type Client as Calls } from "openapi-fetch";

import { EventParser, type ServerEvent } from "./events.ts";
import { Problem, Unreachable } from "./problem.ts";
import type { components, paths } from "./schema.d.ts";
import type { Uploaded } from "./types.ts";

/** Where a client takes its token from, and how it gets a fresh one after a 401. */
export interface Credentials {
  token(): Promise<string | null>;
  /** True when a new token is there and the call is worth repeating. */
  renew(): Promise<boolean>;
  /** Headers that go with the token. */
  beside?(): Promise<Record<string, string>>;
  /** Ask the person to show again that it is them; a step-up for this action, or null where they would not. */
  confirm?(action: string, resource: string): Promise<string | null>;
}

type Wanted = components["schemas"]["Wording"];

const READ_RETRIES = [300, 1200];
const UPLOAD: keyof paths = "/v1/documents/upload";

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

/** Asks the node to keep the refresh token in a cookie; only requests with it bring and take cookies. */
export const IN_COOKIE = { "X-Outpost-Session": "cookie" } as const;

/** One fetch with the errors of this house: `Problem` for a refusal, `Unreachable` for silence. */
async function once(request: Request): Promise<Response> {
  const credentials = request.headers.has("X-Outpost-Session") ? "same-origin" : "omit";
  let response: Response;
  try {
    response = await fetch(request, { credentials, redirect: "error" });
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Unreachable("no answer", { cause: error });
  }
  if (response.ok) return response;
  const said: unknown = await response.json().catch(() => null);
  throw Problem.from(response.status, said, response.headers.get("Retry-After"));
}

/** The body of a success; whatever else happened has been thrown already. */
export async function body<T>(reply: Promise<{ data?: T }>): Promise<T> {
  return (await reply).data as T;
}

/** Calls of nobody yet: sign-in, enrolment, what the node says of itself. */
export const open: Calls<paths> = createFetch<paths>({ baseUrl: location.origin, fetch: once });

/** Calls in somebody's name. Paths, parameters and bodies are those of the node's own description. */
export class Client {
  readonly call: Calls<paths> = createFetch<paths>({ baseUrl: location.origin, fetch: (request) => this.#send(request) });

  constructor(private readonly credentials: Credentials) {}

  /** A question; its server-sent events as they arrive. */
  async *ask(message: string, conversationId: string | null, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const asked = this.call.POST("/v1/chat", {
      body: { message, stream: true, ...(conversationId ? { conversation_id: conversationId } : {}) },
      headers: { Accept: "text/event-stream" },
      parseAs: "stream",
      signal,
    });
    yield* this.#events(asked, signal);
  }

  /** An answer put into words; its server-sent events as they arrive. Aborting stops the model. */
  async *words(wanted: Wanted, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const asked = this.call.POST("/v1/chat/words", { body: wanted, headers: { Accept: "text/event-stream" }, parseAs: "stream", signal });
    yield* this.#events(asked, signal);
  }

  /** What happens to a job, from its beginning to its end. */
  async *follow(jobId: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const asked = this.call.GET("/v1/jobs/{job_id}/events", { params: { path: { job_id: jobId } }, headers: { Accept: "text/event-stream" }, parseAs: "stream", signal });
    yield* this.#events(asked, signal);
  }

  /** How many notices are unread, at once and whenever that changes. */
  async *notices(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    yield* this.#events(this.call.GET("/v1/notifications/events", { headers: { Accept: "text/event-stream" }, parseAs: "stream", signal }), signal);
  }

  async *#events(asked: Promise<{ data?: unknown }>, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const stream = ((await body(asked)) as ReadableStream<Uint8Array<ArrayBuffer>> | null) ?? new ReadableStream();
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield* parser.push(value);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Unreachable("the stream broke", { cause: error });
    }
  }

  /** A file with its fields; `onProgress` hears fractions 0..1. XMLHttpRequest, because fetch cannot tell progress. */
  async upload(form: FormData, onProgress: (fraction: number) => void): Promise<Uploaded> {
    try {
      return await this.#upload(form, onProgress);
    } catch (error) {
      if (error instanceof Problem && error.status === 401 && (await this.credentials.renew())) {
        return this.#upload(form, onProgress);
      }
      throw error;
    }
  }

  async #upload(form: FormData, onProgress: (fraction: number) => void): Promise<Uploaded> {
    const token = await this.credentials.token();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", UPLOAD);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      request.onerror = () => reject(new Unreachable("no answer"));
      request.onload = () => {
        const said: unknown = request.response;
        if (request.status < 300) resolve(said as Uploaded);
        else reject(Problem.from(request.status, said, request.getResponseHeader("Retry-After")));
      };
      request.send(form);
    });
  }

  async #send(request: Request): Promise<Response> {
    try {
      return await this.#signedIn(request.clone());
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "step-up-required") throw error;
      const confirmed = await this.credentials.confirm?.(String(error.fields["action"]), String(error.fields["resource"]));
      if (!confirmed) throw error;
      request.headers.set("X-Step-Up", confirmed);
      return this.#signedIn(request);
    }
  }

  async #signedIn(request: Request): Promise<Response> {
    try {
      return await this.#patiently(request.clone());
    } catch (error) {
      const refused = error instanceof Problem && error.status === 401;
      if (!refused || !(await this.credentials.renew())) throw error;
      return this.#patiently(request);
    }
  }

  /** Reads are repeated twice on silence; writes never, because the first may have arrived. */
  async #patiently(request: Request): Promise<Response> {
    const token = await this.credentials.token();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    for (const [name, value] of Object.entries((await this.credentials.beside?.()) ?? {})) request.headers.set(name, value);
    if (request.method !== "GET") return once(request);
    for (const wait of READ_RETRIES) {
      try {
        return await once(request.clone());
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await pause(wait, request.signal);
      }
    }
    return once(request);
  }
}

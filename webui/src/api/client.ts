import { EventParser, type ServerEvent } from "./events.ts";
import { Problem, Unreachable } from "./problem.ts";

/** Where a client takes its token from, and how it gets a fresh one after a 401. */
export interface Credentials {
  token(): Promise<string | null>;
  /** True when a new token is there and the call is worth repeating. */
  renew(): Promise<boolean>;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Call {
  method?: string;
  query?: Query;
  json?: unknown;
  accept?: string;
  signal?: AbortSignal;
}

const READ_RETRIES = [300, 1200];

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}

export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return search ? `${path}?${search}` : path;
}

/** One fetch with the errors of this house: `Problem` for a refusal, `Unreachable` for silence. */
export async function plainFetch(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable("no answer", { cause: error });
  }
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  throw Problem.from(response.status, body, response.headers.get("Retry-After"));
}

/** A POST from nobody yet: sign-in, enrolment. */
export async function postOpenly<T>(path: string, body: unknown): Promise<T> {
  const response = await plainFetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

export class Client {
  constructor(private readonly credentials: Credentials) {}

  /** Reads are repeated twice on silence; writes never, because the first may have arrived. */
  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const call: Call = { query, ...(signal ? { signal } : {}) };
    for (const wait of READ_RETRIES) {
      try {
        return (await (await this.#send(path, call)).json()) as T;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await pause(wait, signal);
      }
    }
    return (await (await this.#send(path, call)).json()) as T;
  }

  async blob(path: string, query: Query = {}, signal?: AbortSignal): Promise<Blob> {
    const response = await this.#send(path, { query, accept: "*/*", ...(signal ? { signal } : {}) });
    return response.blob();
  }

  async post<T>(path: string, json: unknown = undefined): Promise<T> {
    return this.#write<T>(path, { method: "POST", json });
  }

  async patch<T>(path: string, json: unknown): Promise<T> {
    return this.#write<T>(path, { method: "PATCH", json });
  }

  async remove(path: string): Promise<void> {
    await this.#send(path, { method: "DELETE" });
  }

  async #write<T>(path: string, call: Call): Promise<T> {
    const text = await (await this.#send(path, call)).text();
    return (text ? JSON.parse(text) : null) as T;
  }

  /** Server-sent events of a POST, as they arrive. */
  async *stream(path: string, json: unknown, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.#send(path, { method: "POST", json, accept: "text/event-stream", signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) return;
    const parser = new EventParser();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield* parser.push(value);
      }
    } catch (error) {
      if (signal.aborted || error instanceof Problem) throw error;
      throw new Unreachable("the stream broke", { cause: error });
    }
  }

  /** A file with its fields; `onProgress` hears fractions 0..1. XMLHttpRequest, because fetch cannot tell progress. */
  async upload<T>(path: string, form: FormData, onProgress: (fraction: number) => void): Promise<T> {
    try {
      return await this.#upload<T>(path, form, onProgress);
    } catch (error) {
      if (error instanceof Problem && error.status === 401 && (await this.credentials.renew())) {
        return this.#upload<T>(path, form, onProgress);
      }
      throw error;
    }
  }

  async #upload<T>(path: string, form: FormData, onProgress: (fraction: number) => void): Promise<T> {
    const token = await this.credentials.token();
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      request.responseType = "json";
      request.setRequestHeader("Accept", "application/json");
      if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      request.onerror = () => reject(new Unreachable("no answer"));
      request.onload = () => {
        const body: unknown = request.response;
        if (request.status < 300) resolve(body as T);
        else reject(Problem.from(request.status, body, request.getResponseHeader("Retry-After")));
      };
      request.send(form);
    });
  }

  async #send(path: string, call: Call): Promise<Response> {
    try {
      return await this.#once(path, call);
    } catch (error) {
      const refused = error instanceof Problem && error.status === 401;
      if (!refused || !(await this.credentials.renew())) throw error;
      return this.#once(path, call);
    }
  }

  async #once(path: string, call: Call): Promise<Response> {
    const token = await this.credentials.token();
    const headers = new Headers({ Accept: call.accept ?? "application/json" });
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (call.json !== undefined) headers.set("Content-Type", "application/json");
    return plainFetch(address(path, call.query), {
      method: call.method ?? "GET",
      headers,
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
      ...(call.signal ? { signal: call.signal } : {}),
    });
  }
}

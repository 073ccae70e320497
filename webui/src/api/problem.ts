/** An answer of the node that is not a success (application/problem+json). */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly hint: string | null,
    /** Seconds to wait before trying again, where the node says so. */
    readonly retryAfter: number | null,
    /** Whatever else the node says of it. */
    readonly fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title);
  }

  static from(status: number, body: unknown, retryAfter: string | null): Problem {
    const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
    const text = (key: string): string => (typeof fields[key] === "string" ? fields[key] : "");
    const wait = Number(fields["retry_after"] ?? retryAfter ?? Number.NaN);
    return new Problem(
      status,
      text("code"),
      text("title"),
      text("detail"),
      text("hint") || null,
      Number.isFinite(wait) && wait > 0 ? Math.ceil(wait) : null,
      fields,
    );
  }
}

/** No answer came back: the box is off, restarting, or the cable is out. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** What to show of a call that failed: nothing where the person was asked to confirm and did not want to. Throws on what no call does. */
export function failure(caught: unknown): Problem | Unreachable | null {
  if (!(caught instanceof Problem || caught instanceof Unreachable)) throw caught;
  return caught instanceof Problem && caught.code === "step-up-required" ? null : caught;
}

import { failure } from "../api/problem.ts";

/** What a page does with the box, and how the last of it ended. */
export class Work {
  error: unknown = $state.raw(null);
  busy: boolean = $state(false);

  /** Does it; false where it failed, with `error` set. What was broken off by `signal` says nothing. */
  run = async (doing: () => Promise<unknown>, signal?: AbortSignal): Promise<boolean> => {
    this.busy = true;
    try {
      await doing();
      this.error = null;
      return true;
    } catch (caught) {
      if (!signal?.aborted) this.error = failure(caught);
      return false;
    } finally {
      this.busy = false;
    }
  };
}

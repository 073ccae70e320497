import type { Client } from "../api/client.ts";
import { Problem, Unreachable } from "../api/problem.ts";
import type { Answer, Length, SentenceEvent, WordedEvent } from "../api/types.ts";

/** Longest wait for the end of an answer in words; the node gives up long before. */
const PATIENCE_MS = 300_000;

export type TellingPhase = "idle" | "telling" | "told" | "stopped" | "failed";

/**
 * An answer on its way into words. Sentences are only ever added: each was found to be said by the documents before it came.
 *
 *     idle --start--> telling --worded--> told
 *                        \____ stop ____-> stopped      what has come stays
 *                        \____ problem __-> failed      what has come stays
 */
export class Telling {
  phase: TellingPhase = $state("idle");
  sentences: SentenceEvent[] = $state.raw([]);
  end: WordedEvent | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  length: Length = $state("short");
  #stop = new AbortController();

  constructor(
    private readonly client: Client,
    private readonly question: string,
    private readonly answer: Answer,
  ) {}

  /** Seconds that it will take, as the node reckons; null where it cannot be done. */
  get seconds(): number | null {
    return this.answer.words.available ? this.answer.words.seconds : null;
  }

  stop(): void {
    this.#stop.abort();
    if (this.phase === "telling") this.phase = "stopped";
  }

  /** `anew` asks the chat model, where words that were made ahead would do. */
  async start(length: Length, anew = false): Promise<void> {
    this.stop();
    const stop = (this.#stop = new AbortController());
    this.length = length;
    this.sentences = [];
    this.end = this.problem = null;
    this.phase = "telling";
    try {
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(PATIENCE_MS)]);
      await this.#listen(length, anew, signal);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof Problem) this.problem = error;
      else if (!(error instanceof Unreachable) && !(error instanceof DOMException)) throw error;
      this.phase = "failed";
    }
  }

  async #listen(length: Length, anew: boolean, signal: AbortSignal): Promise<void> {
    const asked = { message: this.question, message_id: this.answer.message_id, length, anew, served_by: "" };
    for await (const { event, data } of this.client.words(asked, signal)) {
      if (signal.aborted) return;
      if (event === "sentence") this.sentences = [...this.sentences, JSON.parse(data) as SentenceEvent];
      if (event === "worded") this.end = JSON.parse(data) as WordedEvent;
      if (event === "error") throw Problem.from(0, JSON.parse(data), null);
      if (event === "end") break;
    }
    if (!this.end) throw new Unreachable("the words stopped half way");
    this.phase = "told";
  }
}

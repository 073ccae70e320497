import type { Client } from "../api/client.ts";
import { Problem, Unreachable } from "../api/problem.ts";
import type { Answer, Citation, PassagesEvent } from "../api/types.ts";
import { places, separate, type Place } from "./places.ts";
import { Telling } from "./telling.svelte.ts";

/** Longest wait for a whole answer; a box that takes longer has lost it. */
const PATIENCE_MS = 45_000;

export type Phase = "idle" | "searching" | "found" | "answered" | "failed" | "silent";

/**
 * One question on its way.
 *
 *     idle --ask--> searching --passages--> found --answer--> answered
 *                       \______ problem ______\____________-> failed
 *                       \______ no answer _____\___________-> silent   (ask again when the box is back)
 */
export class Asking {
  phase: Phase = $state("idle");
  question: string = $state("");
  passages: Citation[] = $state.raw([]);
  answer: Answer | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  /** The answer in words, where it can be put into some. */
  telling: Telling | null = $state.raw(null);
  /** The passage whose page is shown; follows the verdict until somebody picks one. */
  chosen: Place | null = $state.raw(null);
  #picked = false;
  #stop = new AbortController();

  constructor(private readonly client: Client) {}

  /** The places that the answer quotes. */
  get cited(): Place[] {
    return places(this.answer?.citations ?? []);
  }

  get busy(): boolean {
    return this.phase === "searching" || this.phase === "found";
  }

  /** What the chosen passage is to the question: its answer, only near it, or not known yet. */
  get look(): "answer" | "near" | "plain" {
    if (!this.answer) return "plain";
    if (this.answer.kind === "none") return "near";
    return this.cited.some((known) => known.key === this.chosen?.key) ? "answer" : "plain";
  }

  pick(place: Place): void {
    this.#picked = true;
    this.chosen = place;
  }

  clear(): void {
    this.#stop.abort();
    this.telling?.stop();
    this.telling = null;
    this.phase = "idle";
    this.question = "";
    this.passages = [];
    this.answer = null;
    this.problem = null;
    this.chosen = null;
    this.#picked = false;
  }

  /** Shows an answer that was given before. */
  show(question: string, answer: Answer): void {
    this.clear();
    this.question = question;
    this.answer = answer;
    this.phase = "answered";
    this.#show(this.cited[0] ?? separate(answer.nearest)[0]);
  }

  async ask(question: string, conversationId: string | null = null): Promise<Answer | null> {
    this.clear();
    this.question = question;
    this.phase = "searching";
    const stop = (this.#stop = new AbortController());
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      await this.#listen(question, conversationId, AbortSignal.any([stop.signal, patience]));
    } catch (error) {
      if (stop.signal.aborted) return null;
      if (error instanceof Unreachable || patience.aborted) this.phase = "silent";
      else if (error instanceof Problem) this.#fail(error);
      else throw error;
    }
    return this.answer;
  }

  async #listen(message: string, conversationId: string | null, signal: AbortSignal): Promise<void> {
    for await (const { event, data } of this.client.ask(message, conversationId, signal)) {
      if (signal.aborted) return;
      if (event === "passages") this.#found(JSON.parse(data) as PassagesEvent);
      if (event === "answer") this.#answered(JSON.parse(data) as Answer);
      if (event === "error") throw Problem.from(0, JSON.parse(data), null);
      if (event === "end") break;
    }
    if (this.busy) throw new Unreachable("the answer stopped half way");
  }

  #found(event: PassagesEvent): void {
    this.passages = event.passages;
    this.phase = "found";
    this.#show(separate(event.passages)[0]);
  }

  #answered(answer: Answer): void {
    this.answer = answer;
    this.phase = "answered";
    if (answer.words.available) {
      this.telling = new Telling(this.client, this.question, answer);
      if (answer.words.by_itself) void this.telling.start("short");
    }
    this.#show(this.cited[0] ?? separate([...answer.nearest, ...this.passages])[0]);
  }

  #show(place: Place | undefined): void {
    if (!this.#picked) this.chosen = place ?? null;
  }

  #fail(problem: Problem): void {
    this.problem = problem;
    this.phase = "failed";
  }
}

import type { Answer } from "../api/types.ts";
import type { IconName } from "../parts/Icon.svelte";

/** The looks an answer may have: found, perhaps found, not for this machine, not in the documents. */
export type Outcome = "quoted" | "perhaps" | "worded" | "near" | "none";

/** Reads which of the looks an answer gets. */
export function outcome(answer: Answer): Outcome {
  if (answer.kind === "none") return answer.verdict.kind === "other-machine" ? "near" : "none";
  if (answer.kind === "worded") return "worded";
  return answer.verdict.kind === "perhaps" ? "perhaps" : "quoted";
}

/** The sign that stands for each look. */
export const signs: Record<Outcome, IconName> = {
  quoted: "check",
  perhaps: "page",
  worded: "check",
  near: "swap",
  none: "search",
};

import type { Answer } from "../api/types.ts";

/** The looks an answer may have: found, not for this machine, not in the documents. */
export type Outcome = "quoted" | "worded" | "near" | "none";

/** Reads which of the looks an answer gets. */
export function outcome(answer: Answer): Outcome {
  if (answer.kind === "none") return answer.verdict.kind === "other-machine" ? "near" : "none";
  return answer.kind === "worded" ? "worded" : "quoted";
}

import { body, open } from "./api/client.ts";
import type { NodeFacts } from "./api/types.ts";

/** What the node says of itself; null until it has answered once. */
class Facts {
  node: NodeFacts | null = $state.raw(null);

  async load(): Promise<void> {
    if (!this.node) await this.refresh();
  }

  async refresh(): Promise<void> {
    this.node = (await body(open.GET("/v1"))) as unknown as NodeFacts;
  }

  /** Names of the languages that are searched, in English: "English or German"; empty while unknown. */
  get languages(): string {
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    const known = (this.node?.languages ?? []).map((code) => names.of(code) ?? code);
    return new Intl.ListFormat("en", { type: "disjunction" }).format(known);
  }
}

export const facts = new Facts();

import { body } from "../api/client.ts";
import type { TeamRow } from "../api/types.ts";
import { client } from "./session.svelte.ts";

/** The teams that the person knows of: for an admin all of the plant, for anybody else those that they are in. */
class Teams {
  all: TeamRow[] = $state.raw([]);

  get mine(): TeamRow[] {
    return this.all.filter((team) => team.team_role !== null);
  }

  /** Those for which they may bring a document or begin a conversation. */
  get writable(): TeamRow[] {
    return this.all.filter((team) => team.team_role === "owner" || team.team_role === "member");
  }

  name(id: string): string {
    return this.all.find((team) => team.id === id)?.name ?? "";
  }

  async load(): Promise<void> {
    const found: TeamRow[] = [];
    let page_token: string | null = null;
    do {
      const page: { items: TeamRow[]; next_page_token: string | null } = await body(client.call.GET("/v1/teams", { params: { query: { page_size: 100, page_token } } }));
      found.push(...page.items);
      page_token = page.next_page_token;
    } while (page_token);
    this.all = found;
  }
}

export const teams = new Teams();

import { body } from "../api/client.ts";
import { Problem, Unreachable } from "../api/problem.ts";
import type { NoticeItem } from "../api/types.ts";
import { words } from "../words/en.ts";
import { client } from "./session.svelte.ts";

const AGAIN_MS = 15_000;

/** What a notice says, and where to look. */
export interface Told {
  text: string;
  to: string | null;
}

export function told(one: NoticeItem): Told {
  const texts = words.notices;
  const param = (name: string): string => String(one.params[name] ?? "");
  const what = texts.what[param("what")] ?? param("what");
  switch (one.kind) {
    case "approval.asked":
      return { text: texts.asked(what), to: "/console/approvals" };
    case "approval.decided":
      return { text: texts.decided(what, one.params["approved"] === true), to: "/console/approvals" };
    case "document.failed":
      return { text: texts.documentFailed, to: `/console/documents/${encodeURIComponent(param("document"))}` };
    case "account.locked":
      return { text: texts.locked, to: "/console/people" };
    case "policy.switched":
      return { text: texts.policy, to: "/console/policy" };
    case "disk.low":
      return { text: texts.disk, to: null };
    case "part.down":
      return { text: texts.part(texts.parts[param("part")] ?? param("part")), to: null };
    case "record.stopped":
      return { text: texts.record, to: "/console/audit" };
    case "webhook.dead":
      return { text: texts.webhook, to: "/console/settings" };
    case "upkeep.failed":
      return { text: texts.upkeep(param("type")), to: null };
    default:
      return { text: texts.otherwise, to: null };
  }
}

/** How many notices wait, as the node says it; the tab listens only while somebody can see it. */
class Notices {
  unread: number = $state(0);

  /** Listen until `signal`; a stream that ends or breaks is taken up again. */
  async listen(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { event, data } of client.notices(signal)) {
          if (event === "unread") this.unread = (JSON.parse(data) as { unread: number }).unread;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  async load(signal: AbortSignal): Promise<NoticeItem[]> {
    const page = await body(client.call.GET("/v1/notifications", { params: { query: { page_size: 50 } }, signal }));
    this.unread = page.unread;
    return page.items;
  }

  async readUpTo(newest: NoticeItem): Promise<void> {
    await client.call.POST("/v1/notifications/read", { body: { up_to: newest.id } });
    this.unread = 0;
  }
}

export const notices = new Notices();

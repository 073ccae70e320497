import { Asking } from "../answer/asking.svelte.ts";
import { body } from "../api/client.ts";
import type { Answer, ConversationWhole } from "../api/types.ts";
import { client } from "./session.svelte.ts";

/** A question with its answer; null where a source of it is no longer open to who reads, and then only that is said. */
export interface Exchange {
  id: string;
  question: string;
  answer: Answer | null;
  said: string;
}

/** The conversation that is open. It is kept while the person looks at other pages of the console. */
class Talk {
  asking = new Asking(client);
  id: string | null = $state(null);
  title: string = $state("");
  team: string = $state("");
  draft: string = $state("");
  /** The newest first. */
  earlier: Exchange[] = $state.raw([]);

  fresh(): void {
    this.asking.clear();
    this.id = null;
    this.title = "";
    this.draft = "";
    this.team = "";
    this.earlier = [];
  }

  /** A conversation of a team is opened before its first question. */
  async begin(title: string): Promise<void> {
    if (this.id !== null || this.team === "") return;
    this.id = (await body(client.call.POST("/v1/conversations", { body: { title, team: this.team } }))).id;
  }

  /** Goes on with a conversation that was begun before; its newest answer is shown. */
  async open(id: string): Promise<void> {
    const whole = await body(client.call.GET("/v1/conversations/{conversation_id}", { params: { path: { conversation_id: id } } }));
    this.fresh();
    this.id = whole.id;
    this.title = whole.title;
    this.team = whole.team_id ?? "";
    this.earlier = exchanges(whole);
    const newest = this.earlier[0];
    if (newest) this.show(newest);
  }

  show({ question, answer }: Exchange): void {
    if (answer) this.asking.show(question, answer);
  }

  answered(question: string, answer: Answer): void {
    this.id = answer.conversation_id;
    this.title ||= question;
    this.earlier = [{ id: answer.message_id, question, answer, said: answer.answer }, ...this.earlier];
    this.draft = "";
  }
}

function exchanges({ messages }: ConversationWhole): Exchange[] {
  const found: Exchange[] = [];
  let question = "";
  for (const one of messages) {
    if (one.role === "user") question = one.content;
    else found.unshift({ id: one.id, question, answer: kept(one), said: one.content });
  }
  return found;
}

/** An answer as it was given: all of it but its warnings and its disclosure is kept with the message. */
function kept({ details, warnings, id }: ConversationWhole["messages"][number]): Answer | null {
  if (!Array.isArray(details["citations"])) return null;
  return { ...(details as unknown as Answer), message_id: id, warnings, disclosure: "" };
}

export const talk = new Talk();

export interface ServerEvent {
  event: string;
  data: string;
}

/**
 * Cuts a text/event-stream into events, as the HTML standard describes.
 * Chunks may end anywhere, also inside a line; an event is given out at its blank line.
 */
export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];

  push(chunk: string): ServerEvent[] {
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): ServerEvent[] {
    if (line === "") {
      const whole = { event: this.#event || "message", data: this.#data.join("\n") };
      const empty = this.#data.length === 0 && this.#event === "";
      this.#event = "";
      this.#data = [];
      return empty ? [] : [whole];
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return [];
  }
}

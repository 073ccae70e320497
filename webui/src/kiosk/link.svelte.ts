/** Whether the box answers. Asked seldom while it does, often while it does not. */
export class Link {
  state: "up" | "down" | "starting" = $state("up");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;

  constructor(
    private readonly whenBack: () => void,
    private readonly calm = 10_000,
    private readonly eager = 2_000,
  ) {}

  start(): void {
    this.#running = true;
    void this.#look();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** A call met silence: show it now and look again soon. */
  lost(): void {
    this.state = "down";
    this.#again();
  }

  async #look(): Promise<void> {
    const before = this.state;
    try {
      const reply = await fetch("/health/ready", { cache: "no-store", signal: AbortSignal.timeout(4_000) });
      this.state = reply.ok ? "up" : "starting";
    } catch {
      this.state = "down";
    }
    if (this.state === "up" && before !== "up") this.whenBack();
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (!this.#running) return;
    this.#timer = setTimeout(() => void this.#look(), this.state === "up" ? this.calm : this.eager);
  }
}

/** Counts down while nobody touches the kiosk, then clears the screen for the next person. */
export class Idle {
  left: number = $state(0);
  running: boolean = $state(false);
  /** Seconds without a touch until the screen is cleared; the node says how many. */
  limit = 90;
  #deadline = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly whenOver: () => void,
    private readonly warning = 10,
  ) {}

  get warns(): boolean {
    return this.running && this.left <= this.warning;
  }

  start(): void {
    this.stop();
    this.touch();
    this.running = true;
    this.#timer = setInterval(() => this.#tick(), 250);
  }

  stop(): void {
    this.running = false;
    clearInterval(this.#timer);
  }

  touch(): void {
    this.#deadline = performance.now() + this.limit * 1000;
    this.left = this.limit;
  }

  #tick(): void {
    this.left = Math.max(0, Math.ceil((this.#deadline - performance.now()) / 1000));
    if (this.left > 0) return;
    this.stop();
    this.whenOver();
  }
}

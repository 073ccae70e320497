/** Jobs and schedules of the plant. */

export const jobs = {
  title: "Jobs and schedules",
  schedules: "By itself",
  last: "Last",
  next: "Next",
  never: "never yet",
  run: "Run now",
  list: "Jobs of the plant",
  filter: "Show",
  every: "All",
  states: { queued: "Waiting", running: "Running", finished: "Done", failed: "Failed", cancelled: "Cancelled" },
  reasons: { refused: "It cannot be done", "gave-up": "It failed three times", "worker-lost": "It ended the worker three times", deadline: "Its time was over" },
  none: "No job.",
  asked: (when: string) => `Asked ${when}`,
  tried: (count: number) => `try ${count}`,
  cancel: "Cancel",
  cancelling: "Cancelling",
  again: "Do it again",
  more: "Older",
  refresh: "Refresh",
};

/** What stands on every screen. */

export const product = "Outpost";
export const close = "Close";
export const cancel = "Cancel";
export const more = "Show more";
export const again = "Try again";
export const loading = "Loading";
export const table = { next: "Next page", previous: "Previous page", page: (page: number) => `Page ${page}` };

export const problem = {
  silent: "The box does not answer. Check the cable or try again.",
  unknown: "Something went wrong.",
};

export const theme = {
  label: "Look",
  system: "System",
  light: "Light",
  dark: "Dark",
  contrast: "High contrast",
  next: (name: string) => `Look: ${name}. Press to change.`,
};

export const link = {
  up: "Connected",
  down: "The box does not answer. Trying again.",
  starting: "The box is starting. One moment.",
};

export const entry = {
  title: "Ask the plant's own documents",
  kiosk: "Kiosk",
  kioskText: "Touch screen on the shop floor. No sign-in needed.",
  console: "Console",
  consoleText: "Ask, look after documents, read the record. Sign-in needed.",
};

export const nav = {
  label: "Main",
  ask: "Ask",
  documents: "Documents",
  audit: "Audit",
  people: "People",
  teams: "Teams",
  models: "Models",
  usage: "Usage",
  approvals: "Approvals",
  policy: "Policy",
  health: "Health",
  jobs: "Jobs",
  guard: "Guard",
  settings: "Settings",
  signOut: "Sign out",
  skip: "Skip to content",
  nowhere: "There is nothing at this address.",
  past: "Your last day as an auditor is over.",
  adminOnly: "Only an admin can open this page.",
};

export const role = { viewer: "Viewer", operator: "Operator", admin: "Admin" };

export const classes = [
  { value: "PUBLIC", level: 1, roman: "I", name: "Public" },
  { value: "INTERNAL", level: 2, roman: "II", name: "Internal" },
  { value: "CONFIDENTIAL", level: 3, roman: "III", name: "Confidential" },
  { value: "RESTRICTED", level: 4, roman: "IV", name: "Restricted" },
];

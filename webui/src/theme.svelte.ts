export const THEMES = ["system", "light", "dark", "contrast"] as const;
export type ThemeName = (typeof THEMES)[number];

const KEY = "outpost.theme";

function stored(): ThemeName {
  const name = localStorage.getItem(KEY);
  return THEMES.find((known) => known === name) ?? "system";
}

const more = matchMedia("(prefers-contrast: more)");

class Theme {
  name: ThemeName = $state(stored());

  constructor() {
    more.addEventListener("change", () => this.apply());
  }

  /** Who asks the system for more contrast gets it here without asking again. */
  apply(): void {
    document.documentElement.dataset["theme"] = this.name === "system" && more.matches ? "contrast" : this.name;
  }

  choose(name: ThemeName): void {
    this.name = name;
    localStorage.setItem(KEY, name);
    this.apply();
  }

  /** What the screen shows now, with "system" resolved. */
  get shown(): Exclude<ThemeName, "system"> {
    if (this.name !== "system") return this.name;
    if (more.matches) return "contrast";
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  /** The next look for a single button: light, dark, high contrast, light. */
  step(): void {
    const next = { light: "dark", dark: "contrast", contrast: "light" } as const;
    this.choose(next[this.shown]);
  }
}

export const theme = new Theme();

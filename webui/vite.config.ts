import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { mock } from "./dev/mock.ts";

export default defineConfig({
  plugins: [svelte(), mock()],
  build: {
    outDir: "dist",
    // The kiosk browser is Debian's Chromium; nothing older is met on a node.
    target: ["chrome123", "edge123", "firefox128", "safari17.5"],
    // Under our content security policy a data: font or script would be refused, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

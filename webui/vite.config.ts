import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const node = process.env["OUTPOST_NODE"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  // `npm run dev` shows the sources, and asks a running node for everything else.
  // The node compares the origin of a page with the host it was asked as, so that stays.
  server: { proxy: { "/v1": { target: node, changeOrigin: false }, "/health": node } },
  build: {
    outDir: "dist",
    // The kiosk browser is Debian's Chromium; nothing older is met on a node.
    target: ["chrome123", "edge123", "firefox128", "safari17.5"],
    // Under our content security policy a data: font or script would be refused, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `make up` serves dist/ through the origin. For work on the page: npm run dev beside a running appliance.
const appliance = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600, // Shaka Player, one build for HLS and one for DASH, loaded when a video is shown
  },
  server: { proxy: { "/api": appliance, "/v": appliance } },
  test: { include: ["src/**/*.test.ts"] },
});

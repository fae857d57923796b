import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts", "src/serve/pages/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

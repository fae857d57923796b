import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["test/browser/**", "test/servers/**", "test/types/**", "**/node_modules/**", "dist/**"],
    setupFiles: ["test/support/fixed-seed.ts"],
    // An end for what hangs, not a bar for what is slow: many tests kill processes and wait for disks.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
  },
});

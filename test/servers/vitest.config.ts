import { defineConfig } from "vitest/config";

/** Suites on real servers, which `npm test` leaves out: one after the other, for servers are large. */
export default defineConfig({
  test: {
    include: ["test/servers/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    fileParallelism: false,
  },
});

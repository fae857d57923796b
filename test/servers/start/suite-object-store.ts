import { afterAll } from "vitest";
import { type RunningObjectStore, startObjectStore } from "./object-store.ts";

/** The object store of one test file, which the environment names until its tests have ended; undefined where none is installed. */
export async function objectStoreOfSuite(): Promise<RunningObjectStore | undefined> {
  const server = await startObjectStore();
  const before = { ...process.env };
  Object.assign(process.env, server?.environment);
  afterAll(async () => {
    process.env = before;
    await server?.stop();
  });
  return server;
}

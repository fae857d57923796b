import { afterAll, beforeAll } from "vitest";
import { compileChild, type CompiledChild } from "./children.ts";

/** The child of a file of tests: compiled before the first of them, and taken away after the last. */
export function childOfSuite(name?: string): Pick<CompiledChild, "path"> {
  let child: CompiledChild;
  beforeAll(() => {
    child = compileChild(name);
  });
  afterAll(() => child.remove());
  return {
    get path() {
      return child.path;
    },
  };
}

import { expect, it, vi } from "vitest";
import { openedOnce } from "./webassembly.ts";

it("opens kernels once, and does without them from then on where that fails", () => {
  const open = vi.fn(() => ({ kernels: "compiled" }));
  const opened = openedOnce(open);
  expect(open).not.toHaveBeenCalled();
  const first = opened();
  expect([first, opened() === first, open.mock.calls.length]).toEqual([{ kernels: "compiled" }, true, 1]);
  const failing = vi.fn(() => {
    throw new TypeError("there are no vector instructions");
  });
  const none = openedOnce(failing);
  expect([none(), none(), failing.mock.calls.length]).toEqual([null, null, 1]);
});

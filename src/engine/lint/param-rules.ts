import type { WorkflowRule } from "./rule.ts";

export const paramsArePlain: WorkflowRule = ({ steps }) =>
  steps.flatMap((step) =>
    unsayable(step.params, "params").map((actual) => ({
      step: step.name,
      rule: "must have plain JSON parameters",
      actual,
      remedy: "Give numbers, texts, true, false, null, lists and plain objects.",
    })),
  );

/** What JSON cannot say in a value, with its place. */
function unsayable(value: unknown, at: string): string[] {
  if (value === null || typeof value === "string" || typeof value === "boolean") return [];
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${value} at ${at}`];
  if (Array.isArray(value)) return (value as unknown[]).flatMap((item, i) => unsayable(item, `${at}[${i}]`));
  if (typeof value !== "object") return value === undefined ? [] : [`a ${typeof value} at ${at}`];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return [`a ${value.constructor?.name ?? "class"} at ${at}`];
  return Object.entries(value).flatMap(([name, member]) => unsayable(member, `${at}.${name}`));
}

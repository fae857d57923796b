// What a child process of the process runner runs: it loads the file of a task and serves its steps.
import { dirname } from "node:path";
import { systemClock } from "../core/clock.ts";
import { serveTasks } from "../engine/process/child.ts";
import type { StepModule } from "../engine/process/protocol.ts";
import type { Step } from "../engine/step.ts";
import { definitionIn, moduleCacheOf } from "./pipelines.ts";

/** The steps of each file, by the name its definition gives them. */
const loaded = new Map<string, Promise<ReadonlyMap<string, Step>>>();

serveTasks((module) => {
  const steps = loaded.get(module.file) ?? stepsOf(module);
  loaded.set(module.file, steps);
  return steps;
}, systemClock);

async function stepsOf({ file, store }: StepModule): Promise<ReadonlyMap<string, Step>> {
  const definition = await definitionIn(file, dirname(file), moduleCacheOf(store));
  if (definition.kind === "workflow")
    return new Map(definition.workflow.compile(null).steps.map((step) => [step.name, step]));
  const { ownStep } = await import("../pipeline/workflow/own-step.ts");
  return new Map(definition.spec.steps.map((own) => [own.name, ownStep(definition.spec, own, { packageVersion: "" })]));
}

import { randomUUID } from "node:crypto";
import { Session } from "node:inspector/promises";
import type { ModelModule } from "./runtime.ts";

/** Where a function stands in a text. */
export interface FunctionPlace {
  readonly start: number;
  readonly end: number;
}

/** Where a text is imported from as a module, anew for each call: a module that was imported before is not run again. */
export function urlOfText(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}#${randomUUID()}`;
}

/** The functions of a module that run when it is imported and answers one row, as the engine itself counts them. */
export async function functionsOfFirstAnswer(text: string, row: unknown): Promise<readonly FunctionPlace[]> {
  const url = urlOfText(text);
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    const { predict } = (await import(url)) as ModelModule;
    try {
      predict(row);
    } catch {
      // What a row without an answer runs is what others run, too.
    }
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const { functions } = result.find((script) => script.url === url)!;
    return functions.flatMap(({ ranges: [whole] }) =>
      whole!.count > 0 ? [{ start: whole!.startOffset, end: whole!.endOffset }] : [],
    );
  } finally {
    session.disconnect();
  }
}

/**
 * The code of modules, a function around all else, with those of its functions that stand at `run` first and in parentheses. A
 * function in parentheses an engine compiles as it reads it; another it skims, and reads again when it is called. Declared
 * functions are there from the start wherever they stand, so that nothing else changes.
 */
export function withFunctionsReady(code: string, run: readonly FunctionPlace[]): string {
  const declared = [...run].filter((place) => isDeclaredAtTop(code, place, run)).sort((a, b) => a.start - b.start);
  const ready: string[] = [];
  let at = code.indexOf("{") + 1;
  const head = code.slice(0, at);
  let rest = "";
  for (const { start, end } of declared) {
    const [whole, name] = declaration.exec(code.slice(start, end))!;
    ready.push(`${name}=(function(${code.slice(start + whole.length, end)})`);
    rest += code.slice(at, start);
    at = end;
  }
  return `${head}${ready.length > 0 ? `var ${ready.join(",")};` : ""}${rest}${code.slice(at)}`;
}

const declaration = /^function ([\w$]+)\(/;

/** Whether it is declared in the function around all else: that one runs, too, and no other around it. */
function isDeclaredAtTop(code: string, { start, end }: FunctionPlace, run: readonly FunctionPlace[]): boolean {
  const around = run.filter((other) => other.start < start && other.end > end && other.end <= code.length);
  return around.length === 1 && /[;{}]$/.test(code.slice(0, start)) && declaration.test(code.slice(start, end));
}

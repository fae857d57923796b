import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { functionsOfFirstAnswer, withFunctionsReady } from "./first-answer.ts";

const code = [
  "var runtime=(function(e){",
  "let table=f(3);",
  "function f(n){function inner(){return n}return inner()+g.length}",
  "function g(a,{b}){return a+b}",
  "let h=function named(){return 1};",
  "function $k(){return f(1)}",
  "return e.f=f,e.h=h,e.all=()=>[table,f(2),g(1,{b:2}),h(),$k()],e})({});",
].join("");

function placeOf(text: string): { readonly start: number; readonly end: number } {
  const start = code.indexOf(text);
  return { start, end: start + text.length };
}

const around = { start: code.indexOf("function(e)"), end: code.indexOf(")({})") };
const f = placeOf("function f(n){function inner(){return n}return inner()+g.length}");
const k = placeOf("function $k(){return f(1)}");

describe("a module's code with functions ready", () => {
  it("has those that run declared first, in parentheses, and the others where they were", () => {
    const inner = placeOf("function inner(){return n}");
    const named = placeOf("function named(){return 1}");
    const ready = withFunctionsReady(code, [{ start: -5, end: code.length + 9 }, around, k, f, inner, named]);
    expect(ready).toBe(
      code
        .replace(
          "{",
          () => "{var f=(function(n){function inner(){return n}return inner()+g.length}),$k=(function(){return f(1)});",
        )
        .replace(code.slice(f.start, f.end), "")
        .replace(code.slice(k.start, k.end), ""),
    );
  });

  it("does what it did", () => {
    const run = (text: string): unknown =>
      JSON.parse(
        runInNewContext(`${text}; JSON.stringify([runtime.all(), runtime.f.name, runtime.f.length])`) as string,
      );
    expect(run(withFunctionsReady(code, [around, f, k, placeOf("function g(a,{b}){return a+b}")]))).toEqual(run(code));
  });

  it("is as it was where none is known to run", () => {
    expect(withFunctionsReady(code, [])).toBe(code);
    expect(withFunctionsReady(code, [around])).toBe(code);
  });
});

describe("the functions of a module's first answer", () => {
  const functions = [
    "function opened(){return 7}",
    "function answer(row){if(row.x<0)refuse();return row.x}",
    "function refuse(){throw Error('no')}",
    "function later(){return 3}",
  ];
  const text = `${functions.join("")}export const model=opened(),predict=answer,check=later;`;
  const ranOf = async (row: unknown): Promise<string[]> => {
    const run = await functionsOfFirstAnswer(text, row);
    return run.map(({ start, end }) => text.slice(start, end)).filter((one) => functions.includes(one));
  };

  it("are those that importing it and answering run, each time it is asked", async () => {
    expect(await ranOf({ x: 2 })).toEqual([functions[0], functions[1]]);
    expect(await ranOf({ x: 3 })).toEqual([functions[0], functions[1]]);
  });

  it("are known, too, where the row has no answer", async () => {
    expect(await ranOf({ x: -1 })).toEqual(functions.slice(0, 3));
  });
});

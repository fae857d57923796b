import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { withFunctionsReady } from "./first-answer.ts";

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

import { refuse } from "./refusal.ts";

const mostBytes = 2 ** 28;
/** What a file may hold before it is read: an object takes many times its two bytes in memory. */
const mostObjects = 2 ** 22;
const mostValues = 2 ** 25;

/** The value of a JSON text. Size and number of values are bounded before anything is made of them. */
export function readJson(bytes: Uint8Array): unknown {
  if (bytes.length > mostBytes) refuse(`it has ${bytes.length} bytes; JSON is read up to ${mostBytes}`);
  let nObjects = 0;
  let nCommas = 0;
  for (let i = 0; i < bytes.length; ++i) {
    const byte = bytes[i]!;
    if (byte === comma) nCommas += 1;
    else if (byte === brace || byte === bracket) nObjects += 1;
  }
  if (nObjects > mostObjects || nCommas > mostValues) refuse("it holds more values than any model");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return refuse("it is no whole JSON text");
  }
}

const comma = 0x2c;
const brace = 0x7b;
const bracket = 0x5b;

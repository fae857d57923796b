import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const shared = process.env["MILLRACE_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const corpus = join(shared, "corpora", "naughty-strings", "blns.json");

/** Texts that were chosen to be read as something else: markup, scripts, formulas, members of prototypes, ends of what they stand in. */
const own: readonly string[] = [
  "__proto__",
  "constructor",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(2)>',
  "'><svg/onload=alert(3)>",
  "</title></textarea></option></select></script><b onclick=alert(4)>",
  "javascript:alert(5)",
  "&lt;script&gt;&#x3c;b&#62;",
  "{{7*7}}${7*7}<%= 7*7 %>",
  "=cmd|' /C calc'!A0",
  "-2+3+cmd|' /C calc'!A0",
  "@SUM(1+1)",
  "+",
  "../../etc/passwd%00",
  "'; DROP TABLE models; --",
  "\u202Ereversed\u2066",
  'two\r\nlines\tand, "more"',
  "\u0007\u001b[31mred\u009b0m\u007f",
  "\u{1F468}\u200D\u{1F469}\uFEFFe\u0301",
  "z".repeat(200),
];

/** Whether the corpus is there: 515 naughty strings beside the few of our own. */
export const hasCorpus: boolean = existsSync(corpus);
if (!hasCorpus) console.warn(`SKIPPED: the naughty strings of ${corpus}, which is absent; a few of our own are tried`);

/** Every naughty string there is, each once; no two are the same after Unicode normalisation. */
export const naughtyStrings: readonly string[] = [
  ...new Map(
    [...own, ...(hasCorpus ? (JSON.parse(readFileSync(corpus, "utf8")) as string[]) : [])].map(
      (text) => [text.normalize("NFC"), text] as const,
    ),
  ).values(),
];

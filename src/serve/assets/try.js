// Sends the form as one row and shows the answer. Everything from outside is set as text, never as markup.
const form = document.getElementById("try");
const answer = document.getElementById("answer");
const fields = [...form.querySelectorAll("[data-column]")];
const canExplain = form.dataset.explain === "true";
const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
const percents = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** The JSON value of a field; an empty field is a missing value. */
function valueOf(field) {
  const { value } = field;
  if (field.dataset.kind === "text" && field.required) return value;
  if (value === "") return null;
  switch (field.dataset.kind) {
    case "number":
      return Number(value);
    case "boolean":
      return value === "true";
    case "timestamp":
      return `${value}Z`;
    default:
      return value;
  }
}

function rowOf() {
  const row = Object.create(null);
  for (const field of fields) row[field.dataset.column] = valueOf(field);
  return row;
}

function setIssue(field, text) {
  const place = document.getElementById(`${field.id}-issue`);
  place.textContent = text;
  place.hidden = text === "";
  if (text) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function clearIssues() {
  for (const field of fields) setIssue(field, "");
}

function bar(label, probability, isChosen) {
  const fill = element("div", "fill");
  fill.style.width = `${Math.max(0, Math.min(100, probability * 100))}%`;
  const track = element("div", "track", fill);
  track.setAttribute("aria-hidden", "true");
  const share = element("span", "share", percents.format(probability));
  return element("li", isChosen ? "chosen" : "", element("div", "row", element("span", "name", label), share), track);
}

function showPrediction(prediction) {
  if (prediction === null || typeof prediction !== "object")
    return [element("p", "value", typeof prediction === "number" ? numbers.format(prediction) : String(prediction))];
  const label = String(prediction.label);
  const shares = Object.entries(prediction.probabilities ?? {}).sort((a, b) => b[1] - a[1]);
  const bars = element("ul", "bars", ...shares.map(([name, share]) => bar(name, share, name === label)));
  const { threshold, positive } = form.dataset;
  if (threshold === undefined) return [element("p", "value", label), bars];
  const rule = `${positive} is answered from ${percents.format(Number(threshold))} on.`;
  return [element("p", "value", label), bars, element("p", "hint", rule)];
}

const mostReasons = 8;

/** A bar from the middle: to the right where the feature raised the score, to the left where it lowered it. */
function reason(name, value, largest) {
  const fill = element("div", `fill ${value < 0 ? "lowers" : "raises"}`);
  const width = largest > 0 ? (50 * Math.abs(value)) / largest : 0;
  fill.style.width = `${width}%`;
  fill.style.marginLeft = `${value < 0 ? 50 - width : 50}%`;
  const track = element("div", "track", fill);
  track.setAttribute("aria-hidden", "true");
  const amount = element("span", "share", `${value < 0 ? "−" : "+"}${numbers.format(Math.abs(value))}`);
  return element("li", "", element("div", "row", element("span", "name", name), amount), track);
}

/** The largest contributions and what the rest add up to, in units of the raw score. */
function showExplanation({ label, base, score, contributions }) {
  const sorted = Object.entries(contributions).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const shown = sorted.slice(0, mostReasons);
  const rest = sorted.slice(mostReasons);
  const largest = Math.abs(shown[0]?.[1] ?? 0);
  const bars = shown.map(([name, value]) => reason(name, value, largest));
  if (rest.length > 0) {
    const total = rest.reduce((sum, [, value]) => sum + value, 0);
    bars.push(reason(`${rest.length} more`, total, Math.max(largest, Math.abs(total))));
  }
  const what = label === null ? "" : ` (score of ${label}: the higher, the likelier)`;
  const sum = `From ${numbers.format(base)} without knowing the row to ${numbers.format(score)}${what}.`;
  return [element("h3", "", "Why"), element("ul", "bars reasons", ...bars), element("p", "hint", sum)];
}

/** Marks the fields the issues speak of, and says the rest in a box. */
function showProblem(problem) {
  const marked = new Set();
  const unplaced = [];
  for (const issue of problem.issues ?? []) {
    const field = fields.find((candidate) => candidate.dataset.column === issue.column);
    if (!field) unplaced.push(issue);
    else if (!marked.has(field)) setIssue(field, `Expected ${issue.expected}, got ${issue.actual}.`);
    if (field) marked.add(field);
  }
  if (marked.size > 0 && unplaced.length === 0) {
    marked.values().next().value.focus();
    const count = marked.size === 1 ? "One field breaks" : `${marked.size} fields break`;
    return [element("div", "refused", element("p", "", `${count} the contract; nothing was predicted.`))];
  }
  const parts = [element("p", "", sentence(problem.detail ?? "the server gave no reason"))];
  if (problem.remedy) parts.push(element("p", "", problem.remedy));
  return [element("div", "refused", ...parts)];
}

function sentence(text) {
  const isEnded = /[.!?]$/.test(text);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${isEnded ? "" : "."}`;
}

async function send() {
  const body = JSON.stringify({ rows: [rowOf()], ...(canExplain && { explain: true }) }, null, 2);
  document.getElementById("request").textContent =
    `POST ${form.dataset.url}\ncontent-type: application/json\n\n${body}`;
  const start = performance.now();
  const response = await fetch(form.dataset.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const reply = await response.json();
  const ms = performance.now() - start;
  document.getElementById("response").textContent = JSON.stringify(reply, null, 2);
  if (!response.ok) return showProblem(reply);
  const note = `Version ${reply.version} answered in ${numbers.format(Math.round(ms * 10) / 10)} ms.`;
  const [explanation] = reply.explanations ?? [];
  const why = explanation ? showExplanation(explanation) : [];
  return [...showPrediction(reply.predictions[0]), ...why, element("p", "hint", note)];
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearIssues();
  const unreadable = fields.filter((field) => field.validity.badInput);
  for (const field of unreadable) setIssue(field, "This is not a value of this kind.");
  if (unreadable.length > 0) {
    unreadable[0].focus();
    return;
  }
  answer.setAttribute("aria-busy", "true");
  try {
    answer.replaceChildren(...(await send()));
  } catch {
    answer.replaceChildren(...showProblem({ detail: "the server does not answer", remedy: "Is it still running?" }));
  } finally {
    answer.removeAttribute("aria-busy");
  }
});

form.addEventListener("reset", clearIssues);

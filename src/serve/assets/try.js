// Sends the form as one row and shows the answer. Everything from outside is set as text, never as markup.
const form = document.getElementById("try");
const answer = document.getElementById("answer");
const fields = [...form.querySelectorAll("[data-column]")];
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
  return [element("p", "value", label), bars];
}

function showProblem(problem) {
  const parts = [element("p", "", problem.detail ?? problem.title ?? "The server gave no reason.")];
  if (problem.remedy) parts.push(element("p", "", problem.remedy));
  const box = element("div", "refused", ...parts);
  let first;
  for (const issue of problem.issues ?? []) {
    const field = fields.find((candidate) => candidate.dataset.column === issue.column);
    if (!field) continue;
    setIssue(field, `Expected ${issue.expected}, got ${issue.actual}.`);
    first ??= field;
  }
  first?.focus();
  return [box];
}

async function send() {
  const body = JSON.stringify({ rows: [rowOf()] }, null, 2);
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
  return [...showPrediction(reply.predictions[0]), element("p", "hint", note)];
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
    answer.replaceChildren(...showProblem({ detail: "The server does not answer.", remedy: "Is it still running?" }));
  } finally {
    answer.removeAttribute("aria-busy");
  }
});

form.addEventListener("reset", clearIssues);

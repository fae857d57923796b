import type { JsonObject, JsonValue } from "../../core/json.ts";
import { asRequested, type ContractColumn } from "../../frame/contract.ts";
import { formatTimestamp, parseTimestamp } from "../../frame/timestamp.ts";
import type { Model } from "../../model/model.ts";
import { exampleRow, inputColumns } from "../contract-schema.ts";
import type { ServedModel } from "../model-source.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";

/** More levels than this are offered as suggestions of a text field instead of a list. */
const mostListedLevels = 60;

/** The levels to offer for a category column: the declared ones, else those seen in training. */
function levelsOf(model: Model, column: ContractColumn): readonly string[] {
  if (column.levels) return column.levels;
  const reference = model.reference?.columns.find((item) => item.column === column.name);
  return reference?.form === "levels" ? reference.known : [];
}

function option(value: string, text: string, selected: boolean): Html {
  return selected
    ? html`<option value="${value}" selected>${text}</option>`
    : html`<option value="${value}">${text}</option>`;
}

/** The text of a value in a form field; missing is empty. */
function fieldText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

interface Field {
  readonly id: string;
  readonly column: ContractColumn;
  readonly value: JsonValue | undefined;
}

function attributes({ id, column }: Field): Html {
  return html`id="${id}" data-column="${column.name}" data-kind="${column.kind}" aria-describedby="${id}-hint
  ${id}-issue"${asRequested(column).missing === 0 ? html` required` : ""}`;
}

function numberField(field: Field): Html {
  const { min, max, integer } = asRequested(field.column);
  return html`<input
    type="number"
    ${attributes(field)}
    step="${integer ? "1" : "any"}"
    inputmode="decimal"
    value="${fieldText(field.value)}"
    ${min === undefined ? "" : html` min="${min}"`}${max === undefined ? "" : html` max="${max}"`}
  />`;
}

function choiceField(field: Field, levels: readonly string[]): Html {
  const current = fieldText(field.value);
  const listed = levels.includes(current) || current === "" ? levels : [...levels, current];
  const empty = field.column.missing > 0 || current === "" ? option("", "(no value)", current === "") : "";
  return html`<select ${attributes(field)}>
    ${empty}${listed.map((level) => option(level, level, level === current))}
  </select>`;
}

function suggestField(field: Field, levels: readonly string[]): Html {
  const list = levels.length
    ? html`<datalist id="${field.id}-levels">
        ${levels.slice(0, 1000).map((level) => html`<option value="${level}"></option>`)}
      </datalist>`
    : "";
  return html`<input
      type="text"
      ${attributes(field)}
      autocomplete="off"
      ${levels.length ? html` list="${field.id}-levels"` : ""}
      value="${fieldText(field.value)}"
    />${list}`;
}

function textField(field: Field): Html {
  const { maxLength } = field.column;
  return html`<textarea ${attributes(field)} rows="3" ${maxLength === undefined ? "" : html` maxlength="${maxLength}"`}>
${fieldText(field.value)}</textarea>`;
}

/** A text that fits one line. */
function isShort(column: ContractColumn): boolean {
  return column.maxLength !== undefined && column.maxLength <= 60;
}

function timeField(field: Field): Html {
  const ms = typeof field.value === "string" ? parseTimestamp(field.value) : field.value;
  const value = typeof ms !== "number" || Number.isNaN(ms) ? "" : formatTimestamp(ms).slice(0, 19);
  return html`<input type="datetime-local" ${attributes(field)} step="1" value="${value}" />`;
}

function control(model: Model, field: Field): Html {
  const { column } = field;
  switch (column.kind) {
    case "number":
      return numberField(field);
    case "boolean":
      return choiceField(field, ["true", "false"]);
    case "timestamp":
      return timeField(field);
    case "text":
      return isShort(column) ? suggestField(field, []) : textField(field);
    case "category": {
      const levels = levelsOf(model, column);
      return levels.length > 0 && levels.length <= mostListedLevels
        ? choiceField(field, levels)
        : suggestField(field, levels);
    }
  }
}

/** A time for people; midnight needs no hour. */
function timeText(ms: number): string {
  const [date, hour] = formatTimestamp(ms).slice(0, 19).split("T");
  return hour === "00:00:00" ? date! : `${date} ${hour}`;
}

/** What a person should know about the field: its kind and its limits. */
function hintOf({ kind, integer, min, max, missing, after, before, maxLength }: ContractColumn): string {
  const parts: string[] = [kind === "timestamp" ? "time in UTC" : integer ? "whole number" : kind];
  if (min !== undefined && max !== undefined) parts.push(`${min} to ${max}`);
  else if (min !== undefined) parts.push(`at least ${min}`);
  else if (max !== undefined) parts.push(`at most ${max}`);
  if (after !== undefined) parts.push(`from ${timeText(after)}`);
  if (before !== undefined) parts.push(`until ${timeText(before)}`);
  if (maxLength !== undefined) parts.push(`at most ${maxLength} characters`);
  if (missing > 0) parts.push("may be empty");
  return parts.join(", ");
}

function renderField(model: Model, field: Field): Html {
  const { id, column } = field;
  return html`<div class="field${column.kind === "text" && !isShort(column) ? " wide" : ""}">
    <label for="${id}">${column.name}</label>
    ${control(model, field)}
    <p class="hint" id="${id}-hint">${hintOf(column)}</p>
    <p class="issue" id="${id}-issue" hidden></p>
  </div>`;
}

const metricFormat = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

function facts({ model, version, metrics }: ServedModel): Html {
  const listed = Object.entries(metrics).slice(0, 6);
  return html`<dl class="facts">
    <div>
      <dt>version</dt>
      <dd>${version}</dd>
    </div>
    <div>
      <dt>task</dt>
      <dd>${model.task}</dd>
    </div>
    ${
      model.threshold !== null &&
      html`<div>
        <dt>threshold</dt>
        <dd>${metricFormat.format(model.threshold)}</dd>
      </div>`
    }
    ${listed.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${metricFormat.format(value)}</dd>
        </div>`,
    )}
  </dl>`;
}

/** From which probability which label is answered: where it is not one half, the answer says so. */
function thresholdAttributes({ threshold, labels }: Model): Html | false {
  return threshold !== null && html`data-threshold="${threshold}" data-positive="${String(labels[1])}"`;
}

function rowForm(model: Model): Html {
  const example: JsonObject = exampleRow(model);
  const fields = inputColumns(model).map((column, i) => ({ id: `field-${i}`, column, value: example[column.name] }));
  return html`<form
    id="try"
    class="card"
    data-url="/v1/models/${encodeURIComponent(model.name)}/predict"
    data-explain="${String(model.task !== "clustering")}"
    ${thresholdAttributes(model)}
    novalidate
  >
    <h2>Row</h2>
    <div class="fields">${fields.map((field) => renderField(model, field))}</div>
    <div class="actions"><button type="submit">Predict</button><button type="reset" class="quiet">Reset</button></div>
  </form>`;
}

function answerCard({ roles }: Model): Html {
  return html`<section class="card answer" aria-labelledby="answer-title">
    <h2 id="answer-title">${roles.target ?? "Prediction"}</h2>
    <div id="answer" role="status" aria-live="polite"><p class="hint">Press Predict to ask the model.</p></div>
    <details>
      <summary>Request</summary>
      <pre id="request" tabindex="0"></pre>
    </details>
    <details>
      <summary>Answer</summary>
      <pre id="response" tabindex="0"></pre>
    </details>
  </section>`;
}

/** A form made from the contract of one model, filled with a row it knows; the script sends it and shows the answer. */
export function tryPage(served: ServedModel): Html {
  const { model } = served;
  return html`<div class="hero">
      <h1>${model.name}</h1>
      ${facts(served)}
    </div>
    <noscript
      ><p class="notice">
        This page needs JavaScript to send the form. The <a href="/docs">API page</a> shows the same request as a
        command.
      </p></noscript
    >
    <div class="split">${rowForm(model)} ${answerCard(model)}</div>`;
}

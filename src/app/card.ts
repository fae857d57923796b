import type { JsonObject, JsonValue } from "../core/json.ts";
import { showRun } from "../engine/runs.ts";
import type { RunDetails } from "../engine/runs.ts";
import type { Codec } from "../engine/step.ts";
import { formatMetric } from "../evaluate/format.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { asRequested, type ContractColumn } from "../frame/contract.ts";
import { formatTimestamp } from "../frame/timestamp.ts";
import type { Model } from "../model/model.ts";
import { auditReportCodec } from "../pipeline/workflow/audit-step.ts";
import { evaluationReportCodec } from "../pipeline/workflow/evaluate-step.ts";
import type { Importance } from "../pipeline/workflow/explain-step.ts";
import { importanceCodec } from "../pipeline/workflow/explain-step.ts";
import { profileCodec } from "../pipeline/workflow/validate-step.ts";
import { approvalState } from "../registry/approvals.ts";
import type { ApprovalState } from "../registry/approvals.ts";
import type { CardSection, CardTable, ModelCard } from "../registry/card.ts";
import type { ModelVersion } from "../registry/version.ts";
import type { AuditReport } from "../validate/audit.ts";
import type { DatasetProfile } from "../validate/profile.ts";
import { loadVersion } from "./champion.ts";
import { type DataReport, dataReportOf, readOutput } from "./data-report.ts";
import { dataSections } from "./data-sections.ts";
import type { Project } from "./project.ts";
import { qualitySections } from "./quality-sections.ts";

/** What is recorded of a version; null where its run has no such artifact, as an imported model's has none. */
interface Recorded {
  readonly version: ModelVersion;
  readonly model: Model;
  readonly run: RunDetails;
  readonly approvals: ApprovalState;
  readonly aliases: readonly string[];
  readonly report: EvaluationReport | null;
  readonly audit: AuditReport | null;
  readonly importance: Importance | null;
  readonly found: DataReport | null;
  readonly profile: DatasetProfile | null;
}

/** The card of a version, or of the champion: made of records alone. Throws MODEL_NOT_FOUND, VERSION_NOT_FOUND, CHAMPION_MISSING. */
export async function cardOf(project: Project, name: string, wanted?: number): Promise<ModelCard> {
  const recorded = await recordsOf(project, name, wanted);
  const sections = [
    purpose(recorded),
    data(recorded),
    ...dataSections(recorded.found, recorded.profile),
    contract(recorded),
    features(recorded),
    ...qualitySections(recorded.report, recorded.version.metrics),
    gate(recorded),
    leaks(recorded),
    limits(recorded),
    lineage(recorded),
    people(recorded),
  ].filter((section) => section.lines.length > 0 || (section.table?.rows.length ?? 0) > 0);
  return { model: name, version: recorded.version.version, sections };
}

async function recordsOf(project: Project, name: string, wanted: number | undefined): Promise<Recorded> {
  const { registry, store } = project;
  const { version, model } = await loadVersion(project, name, wanted);
  const run = await showRun(store, version.runId);
  const read = <T>(codec: Codec<T>): Promise<T | null> => readOutput(project, run, codec);
  const champion = await registry.champion(name);
  const named = (await registry.aliases()).filter((one) => one.model === name && one.version === version.version);
  return {
    version,
    model,
    run,
    approvals: approvalState(await registry.history(name), version.version),
    aliases: [...(champion?.version === version.version ? ["champion"] : []), ...named.map(({ alias }) => alias)],
    report: await read(evaluationReportCodec),
    audit: await read(auditReportCodec),
    importance: await read(importanceCodec),
    found: await dataReportOf(project, run),
    profile: await read(profileCodec),
  };
}

function section(heading: string, lines: readonly (string | null)[], table: CardTable | null = null): CardSection {
  return { heading, lines: lines.filter((line) => line !== null), table };
}

function purpose({ model, version, aliases }: Recorded): CardSection {
  const { target } = model.roles;
  const labels = model.labels.length > 0 ? `, one of ${model.labels.map(String).join(", ")}` : "";
  return section("What it does", [
    target === null
      ? `${model.task}: ${model.task === "anomaly" ? "scores outliers" : "finds groups"}`
      : model.task === "ranking"
        ? `ranking: scores rows of the same ${model.roles.group} by ${target}`
        : `${model.task}: predicts ${target}${labels}`,
    model.threshold === null
      ? null
      : `answers ${String(model.labels[1])} from a probability of ${formatMetric(model.threshold)}`,
    aliases.length > 0 ? `stands as ${aliases.join(", ")}` : null,
    `registered ${new Date(version.createdAt).toISOString()}`,
  ]);
}

function data({ model, report }: Recorded): CardSection {
  const { dataset } = model.provenance;
  const { reference } = model;
  return section("Data", [
    typeof dataset === "string" ? `snapshot ${dataset}` : null,
    reference ? `learned from ${reference.nRows} rows` : null,
    report ? `judged on ${report.nRows} rows of the ${report.split} split` : null,
    roleLine("identifier", model.roles.id),
    roleLine("time", model.roles.time),
    roleLine("group", model.roles.group),
    roleLine("weight", model.roles.weight),
    model.roles.sensitive.length > 0 ? `sensitive columns: ${model.roles.sensitive.join(", ")}` : null,
  ]);
}

function roleLine(role: string, column: string | null): string | null {
  return column === null ? null : `${role}: ${column}`;
}

function contract({ model }: Recorded): CardSection {
  const columns = model.contract.columns.filter(({ name }) => model.inputs.includes(name));
  const rows = columns.map((column) => {
    return [column.name, column.kind, missingText(asRequested(column).missing), ruleText(column)];
  });
  return section("What a request must hold", [], { head: ["column", "kind", "missing", "rule"], rows });
}

function missingText(share: number): string {
  if (share === 0) return "never";
  return share >= 1 ? "often or always" : `up to ${formatMetric(share)}`;
}

function ruleText(column: ContractColumn): string {
  const { min, max, integer, levels, pattern, maxLength, after, before, privacy, onViolation } = column;
  const rules = [
    min === undefined ? "" : `at least ${min}`,
    max === undefined ? "" : `at most ${max}`,
    integer ? "whole" : "",
    levels
      ? `one of ${levels.slice(0, 12).join(", ")}${levels.length > 12 ? ` and ${levels.length - 12} more` : ""}`
      : "",
    pattern === undefined ? "" : `matches ${pattern}`,
    maxLength === undefined ? "" : `at most ${maxLength} characters`,
    after === undefined ? "" : `from ${formatTimestamp(after)}`,
    before === undefined ? "" : `until ${formatTimestamp(before)}`,
  ].filter(Boolean);
  const held =
    onViolation === "warn" && rules.length > 0 ? [`answered with a warning unless ${rules.join("; ")}`] : rules;
  return [...held, ...(privacy === undefined ? [] : ["kept hashed, masked or coarser"])].join("; ");
}

function features({ importance, model }: Recorded): CardSection {
  const used = new Set(model.features.map(({ feature }) => feature));
  const head = ["feature", "share of what it leans on"];
  const shown = (importance ?? []).slice(0, 20);
  const rows = shown.map((one) => [one.feature, formatMetric(one.importance)]);
  const most = Math.max(0, ...shown.map((one) => one.importance));
  const bars = shown.map((one) => (most > 0 ? { from: 0, to: Math.max(0, one.importance) / most } : null));
  return section("What it leans on", [`${used.size} features`], { head, rows, bars });
}

function gate({ version }: Recorded): CardSection {
  const reasons = version.verdict.reasons.map(({ passed, text }) =>
    typeof text === "string" ? `${passed === true ? "holds" : "FAILS"}: ${text}` : null,
  );
  return section("Gate", [version.gatePassed ? "passed" : "failed", ...reasons]);
}

function leaks({ audit }: Recorded): CardSection {
  const found = (audit?.findings ?? []).map(
    ({ severity, allowed, column, rule, evidence, reason }) =>
      `${allowed ? "accepted" : severity}: ${column ?? "rows"} (${rule}): ${evidence}${reason === undefined ? "" : `; accepted because: ${reason}`}`,
  );
  return section("Leakage audit", audit && found.length === 0 ? [`nothing found in ${audit.nSampled} rows`] : found);
}

/** What the records say it cannot do: nothing is guessed. */
function limits({ model, report, audit }: Recorded): CardSection {
  const undefinedMetrics = Object.entries(report?.metrics ?? {}).flatMap(([name, value]) =>
    value === null ? [name] : [],
  );
  const accepted = (audit?.findings ?? []).filter(({ allowed }) => allowed);
  const used = new Set(model.features.map(({ feature }) => feature));
  const sensitive = model.roles.sensitive.filter((column) => used.has(column));
  const small = (report?.slices ?? []).filter(({ nRows }) => nRows < 100).map(({ name }) => name);
  return section("Limits", [
    refusalText(model),
    report ? null : "no evaluation is recorded: how good it is on rows it did not learn from is not known",
    report && report.nRows < 1000 ? `judged on ${report.nRows} rows only` : null,
    small.length > 0 ? `slices of fewer than 100 rows say little: ${small.join(", ")}` : null,
    undefinedMetrics.length > 0 ? `not defined on these rows: ${undefinedMetrics.join(", ")}` : null,
    accepted.length > 0
      ? `findings of the leakage audit were accepted: ${accepted.map(({ column, rule }) => `${column ?? "rows"} (${rule})`).join(", ")}`
      : null,
    sensitive.length > 0 ? `reads sensitive columns: ${sensitive.join(", ")}` : null,
    model.reference ? null : "carries no reference profile: drift cannot be watched",
  ]);
}

function refusalText({ contract, inputs }: Model): string {
  const warning = contract.columns.filter(({ name, onViolation }) => onViolation === "warn" && inputs.includes(name));
  const refused = "requests outside of the contract are refused, not answered";
  const names = warning.map(({ name }) => name).join(", ");
  return warning.length === 0 ? refused : `${refused}, but for the rules of ${names}, which only warn`;
}

function lineage({ model, version, run }: Recorded): CardSection {
  const { provenance } = run;
  return section("Lineage", [
    `model ${version.digest}`,
    `run ${run.runId} of ${run.workflow}, ${new Date(run.startedAt).toISOString()}, seed ${run.seed}`,
    version.comparedWith === null ? null : `judged against ${version.comparedWith}`,
    ...partsOf(model.provenance, ["dataset", "seed", "notes", "seenUntil"]),
    ...(isObject(provenance) ? partsOf(provenance, []) : []),
  ]);
}

function partsOf(object: JsonObject, left: readonly string[]): string[] {
  return Object.entries(object)
    .filter(([name, value]) => value !== null && !left.includes(name))
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
}

function isObject(value: JsonValue): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function people({ approvals }: Recorded): CardSection {
  return section("Approvals", [
    ...approvals.given.map(
      ({ by, roles, reason, at }) =>
        `${by} for ${roles.join(", ")}, ${new Date(at).toISOString()}${reason === "" ? "" : `: ${reason}`}`,
    ),
    approvals.missing.length > 0 ? `missing: ${approvals.missing.join("; ")}` : null,
    approvals.author === null ? null : `made by ${approvals.author}`,
  ]);
}

import type { CardSection } from "../registry/card.ts";
import { comparisonSummary, movedColumns } from "../validate/compare.ts";
import { profileRows, renderRelations } from "../validate/profile-table.ts";
import type { DatasetProfile } from "../validate/profile.ts";
import { brokenLines, cleanedLines, type DataReport, rowsLine, unreadableLines } from "./data-report.ts";

const mostRules = 50;

/** What checking found in the data, for a card: rules that rows broke, the snapshot before, and its columns. */
export function dataSections(report: DataReport | null, profile: DatasetProfile | null): readonly CardSection[] {
  const named = profile && withCommonLevels(profile);
  const sections = report ? [checked(report), compared(report, named)] : [];
  return named ? [...sections, profiled(named)] : sections;
}

function checked(report: DataReport): CardSection {
  const { failed, quarantinedBy, warned } = report;
  const failing = failed.map(({ column, code, count }) => [column, code, String(count), "failed the run"]);
  const setAside = quarantinedBy.map(({ column, code, rows }) => [column, code, String(rows), "rows set aside"]);
  const kept = warned.map(({ column, code, count }) => [column, code, String(count), "warned"]);
  return {
    heading: "What checking the data found",
    lines: [
      rowsLine(report),
      ...failedQuarantine(report),
      ...unreadableLines(report),
      ...brokenLines(report),
      ...cleanedLines(report),
    ],
    table:
      failing.length + setAside.length + kept.length === 0
        ? null
        : {
            head: ["column or check", "rule", "count", "what became of it"],
            rows: [...failing, ...setAside, ...kept].slice(0, mostRules),
          },
  };
}

/** Nothing was set aside by a run that failed. */
function failedQuarantine({ hasFailed, nQuarantined }: DataReport): readonly string[] {
  return hasFailed && nQuarantined > 0 ? [`${nQuarantined} of them would have been quarantined`] : [];
}

function compared({ comparison }: DataReport, profile: DatasetProfile | null): CardSection {
  const heading = "Against the snapshot before";
  if (comparison === null) return { heading, lines: [], table: null };
  const levels = new Map(profile?.columns.map((column) => [column.column, column.levels.map(([level]) => level)]));
  const columns = comparison.columns.map((change) => ({
    ...change,
    newLevels: change.newLevels.filter((level) => levels.get(change.column)?.includes(level)),
    // How many rows held these is not known any more.
    goneLevels: [],
  }));
  const named = { ...comparison, columns };
  return {
    heading,
    lines: comparisonSummary(named),
    table: { head: ["column", "how it moved"], rows: movedColumns(named) },
  };
}

const fewestRows = 5;

/** A level that few rows hold may be a person: a page that others read does not name it. */
function withCommonLevels(profile: DatasetProfile): DatasetProfile {
  const columns = profile.columns.map((column) => ({
    ...column,
    levels: column.levels.filter(([, count]) => count >= fewestRows),
  }));
  return { ...profile, columns };
}

function profiled(profile: DatasetProfile): CardSection {
  const [head, ...rows] = profileRows(profile);
  return { heading: "Columns of the snapshot", lines: renderRelations(profile), table: { head: head!, rows } };
}

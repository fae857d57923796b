import type { CardSection } from "../registry/card.ts";
import { comparisonSummary, movedColumns } from "../validate/compare.ts";
import { profileRows, renderRelations } from "../validate/profile-table.ts";
import type { DatasetProfile } from "../validate/profile.ts";
import type { DataReport } from "./data-report.ts";

const mostRules = 50;

/** What checking found in the data, for a card: rules that rows broke, the snapshot before, and its columns. */
export function dataSections(report: DataReport | null, profile: DatasetProfile | null): readonly CardSection[] {
  const sections = report ? [checked(report), compared(report)] : [];
  return profile ? [...sections, profiled(profile)] : sections;
}

function checked({ nRows, nOk, nQuarantined, quarantinedBy, warned, cleaned, broken }: DataReport): CardSection {
  const setAside = quarantinedBy.map(({ column, code, rows }) => [column, code, String(rows), "rows set aside"]);
  const kept = warned.map(({ column, code, count }) => [column, code, String(count), "warned"]);
  return {
    heading: "What checking the data found",
    lines: [
      `${nRows} rows in = ${nOk} ok + ${nQuarantined} quarantined`,
      ...broken.map((rule) => `warning: expected ${rule}`),
      ...cleaned.map(({ column, cells }) => `${cells} cells of ${column} cleaned`),
    ],
    table: {
      head: ["column or check", "rule", "count", "what became of it"],
      rows: [...setAside, ...kept].slice(0, mostRules),
    },
  };
}

function compared({ comparison }: DataReport): CardSection {
  const heading = "Against the snapshot before";
  if (comparison === null) return { heading, lines: [], table: null };
  const table = { head: ["column", "how it moved"], rows: movedColumns(comparison) };
  return { heading, lines: comparisonSummary(comparison), table };
}

/** A level that few rows hold may be a person: a page that others read does not name it. */
const fewestRows = 5;

function profiled(profile: DatasetProfile): CardSection {
  const columns = profile.columns.map((column) => ({
    ...column,
    levels: column.levels.filter(([, count]) => count >= fewestRows),
  }));
  const [head, ...rows] = profileRows({ ...profile, columns });
  return { heading: "Columns of the snapshot", lines: renderRelations(profile), table: { head: head!, rows } };
}

import type { Contract, Issue } from "../../frame/contract.ts";
import { type CellIssues, kindIssue, mostIssues, mostRows } from "../cell-issues.ts";
import type { Block } from "./block.ts";

/** Collects the cells that are not of their column's kind, block by block. */
export class CellLog {
  readonly #contract: Contract;
  readonly #issues: Issue[] = [];
  readonly #counts: number[];
  readonly #rows: number[][];

  constructor(contract: Contract) {
    this.#contract = contract;
    this.#counts = contract.columns.map(() => 0);
    this.#rows = contract.columns.map(() => []);
  }

  /** `nBefore` rows were read before the block. */
  add(block: Block, nBefore: number): void {
    for (const { column, row, text } of block.badCells) {
      if (this.#issues.length >= mostIssues) break;
      const { name, kind } = this.#contract.columns[column]!;
      this.#issues.push(kindIssue({ column: name, kind }, nBefore + row, text));
    }
    for (const [i, rows] of block.badRows.entries()) {
      this.#counts[i]! += rows.length;
      const known = this.#rows[i]!;
      for (let k = 0; k < rows.length && known.length < mostRows; ++k) known.push(nBefore + rows[k]!);
    }
  }

  found(): CellIssues {
    const bad = this.#contract.columns.flatMap(({ name }, i) =>
      this.#counts[i]! > 0 ? [{ column: name, count: this.#counts[i]!, rows: this.#rows[i]! }] : [],
    );
    return {
      issues: this.#issues,
      issueCounts: bad.map(({ column, count }) => [`${column}:kind`, count] as const),
      badRows: bad.map(({ column, rows }) => ({ column, rows })),
    };
  }
}

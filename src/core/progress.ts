/**
 * What a long piece of work says about itself while it runs. `done` and `total` share one `unit` ("rows", "trees", ...);
 * whoever shows it derives rate and time left. Reporting costs the caller nothing when nobody listens.
 */
export interface Progress {
  report(done: number, total: number, unit: string): void;
}

export const silent: Progress = Object.freeze({ report: () => {} });

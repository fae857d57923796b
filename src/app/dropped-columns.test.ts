import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import { number } from "../frame/schema.ts";
import { csv } from "../ingest/source.ts";
import { pipeline } from "../pipeline/definition.ts";
import { linear } from "../train/choice.ts";
import { loadVersion } from "./champion.ts";
import { predictRow } from "./predict.ts";
import { openProject } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-dropped-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("what is dropped, and known only afterwards, is not asked of requests, and not watched where no feature is made from it", async () => {
  const rng = createRng(5);
  const stays = Array.from({ length: 200 }, () => [1 + 9 * rng.next(), 40 + 60 * rng.next(), rng.next()]);
  const rows = stays.map(([nights, rate, tip]) =>
    [nights, rate, tip, nights! * rate!, nights! * rate! + tip!].join(","),
  );
  writeFileSync(join(root, "stays.csv"), `nights,rate,tip,price,paid\n${rows.join("\n")}\n`);
  const { spec } = pipeline({
    name: "stays",
    data: csv("stays.csv"),
    schema: {
      nights: number(),
      rate: number(),
      tip: number({ missing: 1 }),
      price: number(),
      paid: number({ missing: 1 }),
    },
    target: "price",
    features: (c) => ({ perNight: c.rate.mul(c.nights) }),
    prepare: { rate: "drop", tip: "drop", paid: "drop" },
    model: linear(),
  });
  const project = await openProject(root, { clock: fixedClock(0) });
  try {
    await runPipeline(project, spec, { inline: true });
    const { model } = await loadVersion(project, "stays", undefined);
    expect(model.reference!.columns.map(({ column }) => column)).toEqual(["nights", "rate"]);
    const asked = { version: undefined, explain: false };
    const { prediction } = await predictRow(project, "stays", '{"nights": 2, "rate": 50}', asked);
    expect(prediction).toBeCloseTo(100, -1);
    await expect(predictRow(project, "stays", '{"nights": 2}', asked)).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    });
  } finally {
    await project.close();
  }
});

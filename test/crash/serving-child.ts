// A server made to be killed: `serving-child.js FOLDER MODE [FAILPOINT NTH]` answers with a model of houses, logs below the
// folder in the mode, says where it listens, and kills itself at the n-th passing of the failpoint.
import { systemClock as clock } from "../../src/core/clock.ts";
import { openPredictionLogs } from "../../src/monitor/prediction-logs.ts";
import type { LogMode } from "../../src/monitor/prediction-logs.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import { createServer } from "../../src/serve/server.ts";
import { housesModel } from "../serve/served-models.ts";
import { killAt } from "./kill-at.ts";

const [folder = "", mode, failpoint, nth] = process.argv.slice(2);
const hooks = killAt(failpoint, Number(nth));
const log = openPredictionLogs(folder, { clock, mode: mode as LogMode, log: { segmentBytes: 20_000, hooks } });
const server = await createServer({ models: fixedModels([housesModel(1)]), clock, version: "1", port: 0, log });
process.stdout.write(`listening ${(await server.listen()).url}\n`);

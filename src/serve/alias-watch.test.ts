import { describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { systemClock } from "../core/clock.ts";
import { watchAliases, withAliases } from "./alias-watch.ts";
import type { AliasedVersion } from "./alias-watch.ts";
import { fixedModels } from "./model-source.ts";
import { createServer } from "./server.ts";

const at = (alias: string, version: number): AliasedVersion => ({
  model: "houses",
  alias,
  version,
  digest: housesModel(version).digest,
  metrics: {},
});

describe("a watch of aliases", () => {
  it("serves what they stand at beside the champion, and follows them", async () => {
    let wanted: readonly AliasedVersion[] = [at("stable", 2)];
    const refused: string[] = [];
    const aliases = await watchAliases({
      read: async () => wanted,
      load: async (digest) => {
        const model = [2, 3].map(housesModel).find((known) => known.digest === digest)?.model;
        if (!model) throw new Error("damaged");
        return model;
      },
      clock: systemClock,
      everyMs: 60_000,
      onRefused: ({ alias, version }) => refused.push(`${alias} ${version}`),
    });
    const models = withAliases(fixedModels([housesModel(1)]), aliases);
    const server = await createServer({ models, clock: systemClock, version: "1", port: 0 });
    const { url } = await server.listen();
    const answerOf = async (name: string): Promise<unknown> => {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"rows":[{"rooms":4}]}' };
      const answer = await fetch(`${url}/v1/models/${name}/predict`, init);
      const { version, predictions, code } = (await answer.json()) as Record<string, unknown>;
      return code ?? [version, predictions];
    };
    expect(await answerOf("houses")).toEqual([1, [1004]]);
    expect(await answerOf("houses@stable")).toEqual([2, [2004]]);
    expect(await answerOf("houses@next")).toBe("MODEL_NOT_FOUND");
    wanted = [at("stable", 3), at("next", 9)];
    await aliases.refresh();
    await aliases.refresh();
    expect(await answerOf("houses@stable")).toEqual([3, [3004]]);
    expect(await answerOf("houses@next")).toBe("MODEL_NOT_FOUND");
    wanted = [at("stable", 9)];
    await aliases.refresh();
    expect(await answerOf("houses@stable")).toEqual([3, [3004]]);
    expect(refused).toEqual(["next 9", "stable 9"]);
    wanted = [];
    await aliases.refresh();
    expect(await answerOf("houses@stable")).toBe("MODEL_NOT_FOUND");
    expect(models.list().map(({ version }) => version)).toEqual([1]);
    await aliases.stop();
    await server.close();
  });
});

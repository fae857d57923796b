import { curlClient } from "../serve/clients/curl.ts";
import { pythonClient } from "../serve/clients/python.ts";
import { defaultLimits } from "../serve/limits.ts";
import { openApiOf } from "../serve/openapi.ts";
import { loadVersion } from "./champion.ts";
import { packageVersion } from "./package-version.ts";
import type { Project } from "./project.ts";

/** The text of a client of a model's champion, made from the OpenAPI document that the server shows. */
export async function clientOf(
  project: Project,
  name: string,
  options: { readonly lang: "python" | "curl"; readonly url: string },
): Promise<string> {
  const { version, model } = await loadVersion(project, name);
  const served = { model, version: version.version, digest: version.digest, metrics: version.metrics };
  const document = openApiOf({ models: [served], version: packageVersion(), limits: defaultLimits });
  return options.lang === "python" ? pythonClient(document, name, options.url) : curlClient(document, options.url);
}

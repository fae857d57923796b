import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const given = process.env["CHROMIUM_PATH"];
const executablePath = given ?? "/usr/bin/chromium";

/** Whether there is a browser to test in. One that is named and absent is a mistake, not a reason to skip. */
export const hasChromium: boolean = existsSync(executablePath);
if (!hasChromium && given !== undefined) throw new Error(`CHROMIUM_PATH names ${given}, which does not exist`);
if (!hasChromium)
  console.warn(`SKIPPED: there is no Chromium at ${executablePath}; set CHROMIUM_PATH to test in a browser`);

const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  // What keeps pages from this machine by itself, in some browsers: the server must not need it.
  "--disable-features=LocalNetworkAccessChecks",
];

/** A headless browser that asks nothing of the network by itself. `names` are answered with 127.0.0.1, as by a DNS server. */
export function launchChromium(...names: readonly string[]): Promise<Browser> {
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(", ");
  const args = names.length > 0 ? [...browserArguments, `--host-resolver-rules=${rules}`] : browserArguments;
  return chromium.launch({ executablePath, args });
}

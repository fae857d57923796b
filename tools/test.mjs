// `npm test [-- vitest arguments]`: all set-up, then every test that needs Node and the npm registry alone.
import { ensureBuilt, ensureInstalled, run, tool } from "./setup.mjs";

ensureInstalled();
ensureBuilt();
run(tool("vitest"), ["run", ...process.argv.slice(2)]);

// All tests of the published table once, in a fresh process with a fresh worker; what the process used is reported by the preload. Argument: the setting of `checks`.
import { inWorker } from "./in-worker.mjs";

await inWorker(new URL("./lab-tests.mjs", import.meta.url).href, "passTable", process.argv[2]);
process.exit(0);

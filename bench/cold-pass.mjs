// All tests of the published table once, in a fresh process with a fresh worker; what the process used is reported by the preload.
import { inWorker } from "./in-worker.mjs";

await inWorker(new URL("./table-once.mjs", import.meta.url).href, "passTable");
process.exit(0);

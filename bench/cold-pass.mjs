// All tests of the published table once, in a fresh process with a fresh worker; what the process used is reported by the preload.
import { inWorker } from "./in-worker.mjs";
import { tableTestNames } from "./lab-tests.mjs";

await inWorker(new URL("./lab-tests.mjs", import.meta.url).href, "measureTests", { names: tableTestNames, iterations: 1 });
process.exit(0);

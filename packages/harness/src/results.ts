/** What whoever plans runs and reads their results needs: nothing of it loads the simulation, which would be a third of a short command. */
export { type CoverageCounter, coverageCounters, coverageKeys } from "./check/coverage.ts";
export { type Property, properties, propertyKeys } from "./check/properties.ts";
export { evidenceLines } from "./evidence-lines.ts";
export { serversOf } from "./job-seed.ts";
export { formatSeed, parseSeed, runSeed } from "./sim/seed.ts";
export { registerSourceMap, shownPath, withScriptPositions, withSourcePositions } from "./source-positions.ts";

export { type Ambient, installAmbient } from "./ambient/install.ts";
export { installForRealClock } from "./ambient/install-real.ts";
export { runIteration } from "./iteration.ts";
export { labTests } from "./lab/index.ts";
export type { LabTest, Part } from "./lab/lab-test.ts";
export { type ProbeEnd, probe } from "./probe.ts";
export type { ClockKind, Failure, IterationResult, Job, Outcome, RunSettings, TraceLevel } from "./result.ts";
export { formatSeed, parseSeed, runSeed } from "./sim/seed.ts";
export { registerSourceMap, shownPath, withScriptPositions, withSourcePositions } from "./source-positions.ts";

import type { LabTest } from "@raft-stress/harness";
import { loadEngine } from "./engine.ts";
import type { TestInfo } from "./select.ts";

// From the bundle that the workers run: to load the harness module by module would be a third of a short command.
const { labTests, beyondTests } = await loadEngine();

/** All tests: the Raft suite in course order, then those beyond the lab. */
export const catalogue: readonly TestInfo[] = [
  ...labTests.map((test) => describe("raft", test)),
  ...beyondTests.map((test) => ({ ...describe("beyond", test), onlyWhenNamed: true })),
];

function describe(suite: string, { name, alias, part, title, servers, reaches }: LabTest): TestInfo {
  // The course of 2023 put an exercise before Raft: part 2A became 3A, and so on.
  return { suite, name, alias, part, aliasPart: `3${part.slice(1)}`, title, servers, ...(reaches && { reaches }) };
}

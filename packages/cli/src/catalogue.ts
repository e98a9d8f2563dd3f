import { labTests } from "@raft-stress/harness";
import type { TestInfo } from "./select.ts";

/** All tests in course order. Another suite would be listed after the Raft suite. */
export const catalogue: readonly TestInfo[] = labTests.map(({ name, alias, part, title, servers }) => ({
  suite: "raft",
  name,
  alias,
  part,
  // The course of 2023 put an exercise before Raft: part 2A became 3A, and so on.
  aliasPart: `3${part.slice(1)}`,
  title,
  servers,
}));

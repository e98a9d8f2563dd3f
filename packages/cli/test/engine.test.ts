import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { codeCache, type Engine, loadEngine, runBundle } from "../dist/engine.js";

type Runs = Pick<Engine, "runIteration" | "runSeed" | "formatSeed" | "parseSeed" | "makeRaft">;

async function hashOfRun({ runIteration, runSeed, formatSeed, parseSeed, makeRaft }: Runs): Promise<string> {
  const test = "TestBasicAgree2B";
  const job = { test, iteration: 0, seed: formatSeed(runSeed(parseSeed("7")!, test, 0)) };
  const { traceHash } = await runIteration(job, makeRaft, {
    clock: "virtual",
    traceLevel: "none",
    archive: false,
    checkDeterminism: false,
  });
  return traceHash;
}

// First of all: later V8 takes what this process has compiled already.
it("does without compiled code that is not this V8's", () => {
  const { engine, script } = runBundle(Buffer.alloc(10_000, 7));
  expect(script.cachedDataRejected).toBe(true);
  expect(engine.labTests.length).toBe(28);
});

it("runs the same bundled, with or without compiled code, and module by module", async () => {
  expect(existsSync(codeCache())).toBe(true);
  const { makeRaft } = await import("@raft-stress/raft");
  const modules = await hashOfRun({ ...(await import("@raft-stress/harness")), makeRaft });
  expect(await hashOfRun(await loadEngine())).toBe(modules);
  expect(await hashOfRun(runBundle(undefined).engine)).toBe(modules);
});

it("is strict code, as modules are: an implementation sees its functions in the place of Node's", () => {
  const { engine } = runBundle(undefined);
  expect(Object.getOwnPropertyNames(engine.formatSeed).sort()).toEqual(["length", "name", "prototype"]);
});

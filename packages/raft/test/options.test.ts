import { describe, expect, it } from "vitest";
import { completeOptions } from "../src/options.ts";

describe("options", () => {
  it("all have defaults", () => {
    expect(completeOptions({})).toEqual({
      heartbeatIntervalMs: 100,
      electionTimeoutMinMs: 350,
      electionTimeoutMaxMs: 700,
      sendIntervalMs: 40,
      maxEntriesPerRequest: 2048,
    });
    expect(completeOptions({ sendIntervalMs: 5 }).sendIntervalMs).toBe(5);
  });

  it.each([
    { given: { heartbeatIntervalMs: 0 }, message: "heartbeatIntervalMs must be more than 0, got 0" },
    { given: { heartbeatIntervalMs: Number.NaN }, message: "heartbeatIntervalMs must be more than 0, got NaN" },
    { given: { electionTimeoutMinMs: 199 }, message: "electionTimeoutMinMs must be at least twice heartbeatIntervalMs (200), got 199" },
    { given: { electionTimeoutMaxMs: 350 }, message: "electionTimeoutMaxMs must be more than electionTimeoutMinMs (350), got 350" },
    { given: { sendIntervalMs: -1 }, message: "sendIntervalMs must be between 0 and heartbeatIntervalMs (100), got -1" },
    { given: { sendIntervalMs: 101 }, message: "sendIntervalMs must be between 0 and heartbeatIntervalMs (100), got 101" },
    { given: { maxEntriesPerRequest: 0.5 }, message: "maxEntriesPerRequest must be a whole number of at least 1, got 0.5" },
    { given: { heartbeat: 5 }, message: "unknown Raft option 'heartbeat', expected one of heartbeatIntervalMs," },
  ])("$message", ({ given, message }) => {
    expect(() => completeOptions(given)).toThrow(RangeError);
    expect(() => completeOptions(given)).toThrow(message);
  });
});

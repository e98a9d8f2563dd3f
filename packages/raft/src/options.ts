/** How a server behaves in time. All times in milliseconds. */
export interface RaftOptions {
  /**
   * A leader sends each peer that answers something at least this often. Default 100: the lab allows ten heartbeats per second. One that has been silent
   * for electionTimeoutMinMs gets two in that time.
   */
  readonly heartbeatIntervalMs: number;
  /**
   * An election timeout is uniform in [electionTimeoutMinMs, electionTimeoutMaxMs). Default 350: a follower that misses two heartbeats
   * in a row still waits for the third; one whose answers are lost, that misses one. At least twice heartbeatIntervalMs.
   */
  readonly electionTimeoutMinMs: number;
  /** Default 700: wide enough that split votes are rare (§9.3), short enough for several elections within five seconds. */
  readonly electionTimeoutMaxMs: number;
  /**
   * A peer gets new entries or a new commit index once in this time on average, and twice in a row after a pause: an agreement takes two
   * RPCs per follower and no waiting, and a busy leader sends 25 times a second, however much is proposed; what is proposed meanwhile
   * travels together. Default 40. 0 turns the pacing off.
   */
  readonly sendIntervalMs: number;
  /** At most so many entries in one AppendEntries. Default 2048. */
  readonly maxEntriesPerRequest: number;
}

const DEFAULT_OPTIONS: RaftOptions = {
  heartbeatIntervalMs: 100,
  electionTimeoutMinMs: 350,
  electionTimeoutMaxMs: 700,
  sendIntervalMs: 40,
  maxEntriesPerRequest: 2048,
};

/** Fills in defaults and checks what was given. Throws a RangeError that says what was given and what was expected. */
export function completeOptions(given: Partial<RaftOptions>): RaftOptions {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(DEFAULT_OPTIONS, name)) {
      throw new RangeError(`unknown Raft option '${name}', expected one of ${Object.keys(DEFAULT_OPTIONS).join(", ")}`);
    }
  }
  const options = { ...DEFAULT_OPTIONS, ...given };
  const { heartbeatIntervalMs, electionTimeoutMinMs, electionTimeoutMaxMs, sendIntervalMs, maxEntriesPerRequest } = options;
  expectOption(Number.isFinite(heartbeatIntervalMs) && heartbeatIntervalMs > 0, "heartbeatIntervalMs", "more than 0", heartbeatIntervalMs);
  expectOption(
    Number.isFinite(electionTimeoutMinMs) && electionTimeoutMinMs >= 2 * heartbeatIntervalMs,
    "electionTimeoutMinMs",
    `at least twice heartbeatIntervalMs (${2 * heartbeatIntervalMs})`,
    electionTimeoutMinMs,
  );
  expectOption(
    Number.isFinite(electionTimeoutMaxMs) && electionTimeoutMaxMs > electionTimeoutMinMs,
    "electionTimeoutMaxMs",
    `more than electionTimeoutMinMs (${electionTimeoutMinMs})`,
    electionTimeoutMaxMs,
  );
  expectOption(
    sendIntervalMs >= 0 && sendIntervalMs <= heartbeatIntervalMs,
    "sendIntervalMs",
    `between 0 and heartbeatIntervalMs (${heartbeatIntervalMs})`,
    sendIntervalMs,
  );
  expectOption(
    Number.isSafeInteger(maxEntriesPerRequest) && maxEntriesPerRequest >= 1,
    "maxEntriesPerRequest",
    "a whole number of at least 1",
    maxEntriesPerRequest,
  );
  return options;
}

function expectOption(holds: boolean, name: keyof RaftOptions, expected: string, given: number): void {
  if (!holds) throw new RangeError(`Raft option ${name} must be ${expected}, got ${given}`);
}

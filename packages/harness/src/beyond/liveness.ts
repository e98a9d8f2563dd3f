import { usualPace } from "../cluster/apply-channel.ts";
import { TestFailure } from "../failure.ts";
import { electionTimeoutMs, type Lab } from "../lab/lab.ts";
import { type Links, mute } from "../net/links.ts";
import { highestTerm, leaderOf, type Scene } from "./scene.ts";

/**
 * What a healed core is given, in virtual time, for each thing it must do. A correct Raft needs a fraction: the slack is for election timeouts of up to a
 * second, candidates that cannot win and have to be waited out, calls that fail only after labrpc's seven seconds, and logs that are backed up one term at a time.
 */
export const livenessBoundMs = 20 * electionTimeoutMs;

/** A command that is not on the whole core by then is proposed again: its leader may have been deposed before it was safe. */
const proposeAgainMs = 2 * electionTimeoutMs;
const lookMs = 20;

/**
 * How long a healed majority is left alone, and how many terms may begin meanwhile. A late answer of a server outside that is many terms ahead may end a leadership, and the next term is above
 * its own; there are few of them, so one stretch of several is quiet.
 */
const quiet = { lastsMs: 4 * electionTimeoutMs, mostTerms: 3, stretches: 4 };

/**
 * The end of every test: a majority is healed for good, whoever is outside of it stays out, and then the majority must elect a leader and agree.
 * Nothing reaches the core from outside: a server that can be heard but hears nothing may disturb a plain Raft for ever.
 */
export async function demandProgress(scene: Scene): Promise<void> {
  const { lab } = scene;
  const core = drawCore(scene);
  const oldTerm = await scene.stopRemembering();
  lab.step(`liveness: ${names(core)} of ${lab.servers} servers are healed for good and must elect a leader and agree`);
  await heal(scene, core);
  await demandLeader(scene, core);
  await demandAgreement(scene, core);
  await demandQuiet(scene, core);
  const last = await demandAgreement(scene, core);
  demandEqualLogs(lab, core, last);
  if (oldTerm !== undefined) await demandElectionAmongEchoes(scene, core, oldTerm);
}

/** So often each server of the core gets so many requests of terms that are over. */
const echoes = { everyMs: 40, count: 3 };

/**
 * The leader restarts while requests of older terms arrive all the time. They are to be refused, and must not put off the election. Without a term that is
 * newer than all of them there is nothing to demand: a request of the present term may come from the present leader, for all its followers know.
 */
async function demandElectionAmongEchoes(scene: Scene, core: readonly number[], oldTerm: number): Promise<void> {
  const { lab } = scene;
  await restartLeader(scene, core);
  await demandLeader(scene, core);
  await demandAgreement(scene, core);
  const states = await scene.states(core);
  if (!core.every((server) => states[server]!.term > oldTerm)) return;
  lab.step(`liveness: the leader of ${names(core)} restarts while requests of term ${oldTerm} and older ones keep arriving`);
  const stop = { asked: false };
  const echoing = lab.background("requests of older terms", async () => {
    while (!stop.asked) {
      for (const server of core) lab.cluster.network.replay(echoes.count, server);
      await lab.sleep(echoes.everyMs);
    }
  });
  await restartLeader(scene, core);
  await demandLeader(scene, core);
  await demandAgreement(scene, core);
  stop.asked = true;
  await echoing;
}

async function restartLeader(scene: Scene, core: readonly number[]): Promise<void> {
  const leader = leaderOf(await scene.states(core));
  if (leader === undefined) return;
  await scene.crash(leader.server);
  await scene.boot(leader.server);
}

/** A majority, in half of the runs the smallest one possible. */
function drawCore({ lab, dice }: Scene): number[] {
  const majority = Math.floor(lab.servers / 2) + 1;
  const size = dice.chance(50) ? majority : dice.between(majority, lab.servers);
  return dice.shuffled(lab.everyone()).slice(0, size).toSorted();
}

async function heal(scene: Scene, core: readonly number[]): Promise<void> {
  const { lab, dice } = scene;
  scene.disarm();
  const { cluster } = lab;
  const { network } = cluster;
  network.reliable = true;
  network.longDelays = false;
  network.longReordering = false;
  network.setLateness(undefined);
  let links: Links | undefined;
  for (const server of lab.everyone()) {
    if (core.includes(server)) continue;
    const fate = dice.pick(["dead", "paused", "isolated", "mute"]);
    if (fate === "dead") await scene.crash(server);
    else if (fate === "paused") cluster.pause(server);
    else if (fate === "isolated") lab.disconnect(server);
    else links = links === undefined ? mute(lab.servers, server) : links.and(mute(lab.servers, server));
  }
  scene.link(links);
  for (const server of core) {
    cluster.resume(server);
    cluster.setClockRate(server, 1);
    cluster.setApplyTime(server, usualPace.takeUs / 1000);
    await scene.boot(server);
    if (!lab.cluster.isConnected(server)) lab.connect(server);
  }
}

async function demandLeader(scene: Scene, core: readonly number[]): Promise<void> {
  const { lab } = scene;
  const giveUpMs = lab.simulation.nowMs + livenessBoundMs;
  while (leaderOf(await scene.states(core)) === undefined) {
    if (lab.simulation.nowMs >= giveUpMs) {
      throw new TestFailure(`no leader among ${names(core)} within ${livenessBoundMs / 1000} s of their healing`, {
        cause: `a healed majority elected no leader within ${livenessBoundMs / 1000} s`,
        expected: `a leader among ${names(core)}`,
        seen: "none",
      });
    }
    await lab.sleep(lookMs);
  }
}

/** Has a new command applied by the whole core; returns its index. */
async function demandAgreement(scene: Scene, core: readonly number[]): Promise<number> {
  const { lab } = scene;
  const { logs } = lab.cluster;
  const command = scene.command();
  const giveUpMs = lab.simulation.nowMs + livenessBoundMs;
  let index: number | undefined;
  while (lab.simulation.nowMs < giveUpMs) {
    index = await propose(lab, core, command);
    const againMs = lab.simulation.nowMs + proposeAgainMs;
    while (index !== undefined && lab.simulation.nowMs < Math.min(againMs, giveUpMs)) {
      if (core.every((server) => logs.has(server, index!)) && lab.committed(index).command === command) return index;
      await lab.sleep(lookMs);
    }
    if (index === undefined) await lab.sleep(lookMs);
  }
  throw notAgreed(lab, core, command, index);
}

/** The index at which the core's leader took the command; undefined when it has none. */
async function propose(lab: Lab, core: readonly number[], command: number): Promise<number | undefined> {
  let index: number | undefined;
  let term = -1;
  for (const server of core) {
    const answer = await lab.propose(server, command);
    // Whoever led in an older term may not know yet that this is over.
    if (answer.isLeader && answer.term > term) ({ index, term } = answer);
  }
  return index;
}

function notAgreed(lab: Lab, core: readonly number[], command: number, index: number | undefined): TestFailure {
  const { logs } = lab.cluster;
  const limit = `within ${livenessBoundMs / 1000} s`;
  const behind = index === undefined ? core : core.filter((server) => !logs.has(server, index));
  const seen =
    index === undefined
      ? "nobody took it as leader"
      : behind.length === 0
        ? `index ${index} holds another command`
        : `${names(behind)} ${behind.length === 1 ? "has" : "have"} not applied index ${index}`;
  return new TestFailure(`command ${command} was not applied by all of ${names(core)} ${limit}: ${seen}`, {
    cause: `a healed majority did not agree on a new command ${limit}`,
    expected: `command ${command} applied by ${names(core)}`,
    seen,
  });
}

/** A leader that nobody disturbs stays: while nothing happens, hardly any new term may begin. */
async function demandQuiet(scene: Scene, core: readonly number[]): Promise<void> {
  const { lab } = scene;
  let before = 0;
  let after = highestTerm(await scene.states(core));
  for (let stretch = 0; stretch < quiet.stretches; stretch++) {
    before = after;
    await lab.sleep(quiet.lastsMs);
    after = highestTerm(await scene.states(core));
    if (after - before <= quiet.mostTerms) return;
  }
  const terms = `${after - before} new terms began in ${quiet.lastsMs / 1000} s`;
  throw new TestFailure(`${terms} among ${names(core)}, though nothing failed and nothing was lost: from term ${before} to term ${after}`, {
    cause: "leaders do not stay in a healed majority",
    expected: `at most ${quiet.mostTerms} new terms in ${quiet.lastsMs / 1000} s`,
    seen: `${after - before}`,
  });
}

/** Everything up to `last` has been applied by everyone of the core. That no two differ is checked whenever one is applied. */
function demandEqualLogs(lab: Lab, core: readonly number[], last: number): void {
  const { logs } = lab.cluster;
  for (let index = 1; index <= last; index++) {
    lab.committed(index);
    const missing = core.find((server) => !logs.has(server, index));
    if (missing === undefined) continue;
    throw new TestFailure(`S${missing} has applied index ${last} but not index ${index}`, {
      cause: "a server of a healed majority has a gap in its log",
      expected: `indices 1 to ${last} on ${names(core)}`,
      seen: `S${missing} lacks ${index}`,
      server: missing,
    });
  }
}

export function names(servers: readonly number[]): string {
  return servers.map((server) => `S${server}`).join(", ");
}

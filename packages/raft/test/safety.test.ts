import { describe, expect, it } from "vitest";
import { Cluster } from "./support/cluster.ts";

/** How rough a schedule is, in shares of its steps. */
interface Weather {
  readonly lost: number;
  readonly again: number;
  readonly crash: number;
  readonly crashInEvent: number;
  readonly partition: number;
  readonly propose: number;
  readonly compact: number;
}

const WEATHERS: Record<string, Weather> = {
  "loss and reordering": { lost: 0.15, again: 0.05, crash: 0, crashInEvent: 0, partition: 0, propose: 0.1, compact: 0.01 },
  "crashes in quick succession": { lost: 0.05, again: 0.05, crash: 0.02, crashInEvent: 0.02, partition: 0, propose: 0.1, compact: 0.02 },
  "many duplicates": { lost: 0.05, again: 0.4, crash: 0.005, crashInEvent: 0.005, partition: 0.002, propose: 0.05, compact: 0.02 },
  "partitions that come and go": {
    lost: 0.02,
    again: 0.02,
    crash: 0.003,
    crashInEvent: 0.005,
    partition: 0.02,
    propose: 0.15,
    compact: 0.005,
  },
};

const STEPS = 3000;
const SEEDS = 25;

/** Packets in any order, late, twice or never; servers that crash, also in the middle of an event, and come back. */
function storm(cluster: Cluster, weather: Weather, servers: number): void {
  const { random } = cluster;
  let command = 0;
  for (let i = 0; i < STEPS; i += 1) {
    const server = random.int(0, servers);
    const dice = random.next();
    if (random.next() < weather.crash) cluster.crash(server);
    if (random.next() < weather.partition) cluster.sides[server] = random.int(0, 2);
    if (cluster.lives[server] === undefined && random.next() < 0.2) cluster.start(server);
    if (dice < weather.propose) {
      command += 1;
      cluster.propose(server, command);
    } else if (dice < weather.propose + weather.compact) {
      cluster.compact(server);
    } else if (cluster.packets.length === 0 || dice > 0.8) {
      cluster.passTime(random.int(0, random.next() < 0.1 ? 400 : 40));
    } else {
      movePacket(cluster, weather);
    }
  }
}

/** Old packets wait long: the bag is emptied at random, and is bounded. */
function movePacket(cluster: Cluster, weather: Weather): void {
  const { random, packets } = cluster;
  const at = random.int(0, packets.length);
  if (random.next() < weather.lost || packets.length > 200) {
    cluster.lose(at, random.next() < 0.5);
    return;
  }
  const crash = random.next() < weather.crashInEvent ? (random.next() < 0.5 ? "before saving" : "before sending") : undefined;
  cluster.deliver(at, random.next() < weather.again, crash);
}

/** All servers up, nothing lost, packets in order: a command must be applied everywhere soon. */
function heal(cluster: Cluster, servers: number): void {
  cluster.sides.fill(0);
  for (let server = 0; server < servers; server += 1) if (cluster.lives[server] === undefined) cluster.start(server);
  const command = -1;
  const before = cluster.oracle.applies.length;
  for (let ms = 0; ms < 20_000; ms += 10) {
    cluster.passTime(10);
    while (cluster.packets.length > 0) cluster.deliver(0);
    const done = cluster.oracle.applies.indexOf(command, before) + 1;
    if (done > 0 && cluster.lives.every((life) => life!.service.length >= done)) return;
    if (ms % 1000 !== 0) continue;
    for (let server = 0; server < servers; server += 1) cluster.propose(server, command);
  }
  throw new Error(`no agreement 20 s after healing: applied ${cluster.lives.map((life) => life!.service.length)}`);
}

describe.each([3, 5])("Figure 3 on random schedules of %i servers", (servers) => {
  describe.each(Object.entries(WEATHERS))("%s", (_, weather) => {
    it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))("seed %i: the properties hold, and after healing there is progress", (seed) => {
      const cluster = new Cluster(servers, seed * 1000 + servers);
      storm(cluster, weather, servers);
      heal(cluster, servers);
      expect(cluster.oracle.leaders).toBeGreaterThan(0);
      const [first, ...others] = cluster.lives.map((life) => life!.service.slice(0, cluster.oracle.applies.indexOf(-1) + 1));
      expect(first!.length).toBeGreaterThan(0);
      for (const other of others) expect(other).toEqual(first);
    });
  });
});

describe("the random schedules are rough enough to mean something", () => {
  it("there are many leaders, commits during the storm, and servers with different logs", () => {
    let leaders = 0;
    let commits = 0;
    for (let seed = 1; seed <= 10; seed += 1) {
      const cluster = new Cluster(3, seed);
      storm(cluster, WEATHERS["crashes in quick succession"]!, 3);
      leaders += cluster.oracle.leaders;
      commits += cluster.oracle.applies.length;
    }
    expect(leaders).toBeGreaterThan(30);
    expect(commits).toBeGreaterThan(30);
  });
});

import type { ApplyMessage } from "@raft-stress/raft/api";
import { describe, expect, it } from "vitest";
import { ApplyChannel } from "../../src/cluster/apply-channel.ts";
import type { Simulation } from "../../src/sim/simulation.ts";
import { newLife, newSimulation, runScript, type TestLife } from "../support/world.ts";

const command = (index: number, value: unknown = index): ApplyMessage => ({ type: "command", index, command: value });

interface ChannelWorld {
  readonly simulation: Simulation;
  readonly life: TestLife;
  readonly channel: ApplyChannel;
  readonly taken: ApplyMessage[];
  /** Number of the event in which each message was taken. */
  readonly inEvent: number[];
}

/** Runs `script` with the channel of S1; `onTake` is what the service does with each message. */
async function onChannel(
  script: (world: ChannelWorld) => Promise<void>,
  onTake: (message: ApplyMessage, world: ChannelWorld) => void = () => {},
) {
  const simulation = newSimulation();
  const life = newLife(1);
  const [taken, inEvent]: [ApplyMessage[], number[]] = [[], []];
  const channel = new ApplyChannel(simulation, life, (message) => {
    expect(simulation.currentServer).toBe(1);
    taken.push(message);
    inEvent.push(simulation.events);
    onTake(message, world);
  });
  const world = { simulation, life, channel, taken, inEvent };
  await runScript(simulation, () => script(world));
  return world;
}

const indices = (taken: readonly ApplyMessage[]) => taken.map(({ index }) => index);

describe("ApplyChannel", () => {
  it("hands messages to the service in call order, each in an event of its own after the current one", async () => {
    const { taken, inEvent } = await onChannel(async ({ channel, simulation, taken: sofar }) => {
      for (let index = 1; index <= 50; index++) void channel.send(command(index));
      expect(sofar).toEqual([]);
      await simulation.sleep(1);
      for (let index = 51; index <= 60; index++) void channel.send(command(index));
      await simulation.sleep(1);
    });
    expect(indices(taken)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect(new Set(inEvent).size).toBe(60);
  });

  it("resolves when the service has taken the message, not before", async () => {
    await onChannel(async ({ channel, taken }) => {
      const resolved: string[] = [];
      const all = [1, 2, 3].map((index) => channel.send(command(index)).then(() => resolved.push(`${index} of ${taken.length}`)));
      await Promise.all(all);
      expect(resolved).toEqual(["1 of 1", "2 of 2", "3 of 3"]);
    });
  });

  it("keeps the order of what is sent while a message is taken", async () => {
    const { taken } = await onChannel(
      async ({ channel, simulation }) => {
        for (const index of [1, 2, 3]) void channel.send(command(index));
        await simulation.sleep(1);
      },
      (message, { channel }) => {
        if (message.index <= 3) void channel.send(command(message.index + 10));
      },
    );
    expect(indices(taken)).toEqual([1, 2, 3, 11, 12, 13]);
  });

  it("keeps order over any mixture of sending and taking", async () => {
    const { taken } = await onChannel(async ({ channel, simulation }) => {
      let index = 0;
      for (let round = 0; round < 40; round++) {
        for (let i = 0; i < round % 7; i++) void channel.send(command(++index));
        await simulation.sleep((round % 3) / 100);
      }
      await channel.send(command(++index));
      expect(index).toBeGreaterThan(100);
    });
    expect(indices(taken)).toEqual(Array.from({ length: taken.length }, (_, i) => i + 1));
  });

  it("loses what was not taken when its server dies, and never resolves for it", async () => {
    let resolved = 0;
    const { taken } = await onChannel(
      async ({ channel, simulation }) => {
        for (let index = 1; index <= 10; index++) void channel.send(command(index)).then(() => resolved++);
        await simulation.sleep(5);
        void channel.send(command(11)).then(() => resolved++);
        await simulation.sleep(5);
      },
      (message, { life }) => {
        if (message.index === 4) life.alive = false;
      },
    );
    expect(indices(taken)).toEqual([1, 2, 3, 4]);
    expect(resolved).toBe(4);
  });

  it("copies what is sent at the moment it is sent", async () => {
    const snapshot = new Uint8Array([1, 2]);
    const value = { list: [1] };
    const { taken } = await onChannel(async ({ channel, simulation }) => {
      void channel.send(command(1, value));
      void channel.send({ type: "snapshot", index: 2, term: 3, snapshot });
      value.list.push(2);
      snapshot[0] = 99;
      await simulation.sleep(1);
    });
    expect(taken).toEqual([
      { type: "command", index: 1, command: { list: [1] } },
      { type: "snapshot", index: 2, term: 3, snapshot: new Uint8Array([1, 2]) },
    ]);
  });

  it.each([
    [{ type: "command", index: 1.5, command: 1 }, "apply(message) needs a whole number as index, got 1.5"],
    [{ type: "command", command: 1 }, "apply(message) needs a whole number as index, got undefined"],
    [{ type: "entry", index: 1 }, 'apply(message) needs type "command", or "snapshot" with a Uint8Array, got type "entry"'],
    [
      { type: "snapshot", index: 1, term: 1, snapshot: "x" },
      'apply(message) needs type "command", or "snapshot" with a Uint8Array, got type "snapshot"',
    ],
    [{ type: "command", index: 1, command: () => {} }, "a function cannot be sent: messages and commands are plain data"],
  ])("refuses %j in one sentence", (message, sentence) => {
    const channel = new ApplyChannel(newSimulation(), newLife(0), () => {});
    expect(() => channel.send(message as ApplyMessage)).toThrow(new TypeError(sentence));
  });

  it("makes what is sent part of the trace hash", () => {
    const hashAfter = (message: ApplyMessage) => {
      const simulation = newSimulation();
      void new ApplyChannel(simulation, newLife(0), () => {}).send(message);
      return `${simulation.hash}`;
    };
    const hashes = [command(1, 5), command(1, 6), command(2, 5), command(1, "5")].map(hashAfter);
    expect(new Set(hashes).size).toBe(4);
  });
});

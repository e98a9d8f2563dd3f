import { describe, expect, it } from "vitest";
import { onNetwork } from "../support/net-world.ts";

/** The tests that labrpc, the network of the course, has of itself; all but its benchmark. Times are exact here. */
describe("labrpc's own tests", () => {
  it("TestBasic: handlers get the argument and answer", () =>
    onNetwork(async ({ call, end }) => {
      const client = end(1);
      expect(await call(client, "NumberToText", 111)).toBe("handler2-111");
      expect(await call(client, "TextToNumber", "9099")).toBe(9099);
    }));

  it("TestTypes: records pass both ways", () =>
    onNetwork(async ({ call, end }) => {
      expect(await call(end(1), "Record", { X: 7 })).toEqual({ X: "record 7" });
    }));

  it("TestDisconnect: an end fails until it is enabled", () =>
    onNetwork(async ({ call, network }) => {
      const client = network.makeEnd(1, 0);
      expect(client.enabled).toBe(false);
      expect(await call(client, "NumberToText", 111)).toBeUndefined();
      client.enabled = true;
      expect(await call(client, "TextToNumber", "9099")).toBe(9099);
    }));

  it("TestCounts: 17 calls are 17 requests", () =>
    onNetwork(async ({ call, end, network }) => {
      const client = end(1);
      for (let i = 0; i < 17; i++) expect(await call(client, "NumberToText", i)).toBe(`handler2-${i}`);
      expect(network.dispatched(0)).toBe(17);
      expect(network.totalCalls).toBe(17);
    }));

  it("TestBytes: arguments and replies count about as much as in gob", () =>
    onNetwork(async ({ call, end, network }) => {
      const client = end(1);
      const args = "thisisanargumentoftwohundredandeightyfourcharacters.".repeat(6).slice(0, 284);
      for (let i = 0; i < 17; i++) expect(await call(client, "LengthOf", args)).toBe(284);
      const first = network.totalBytes;
      expect(first).toBeGreaterThanOrEqual(4828);
      expect(first).toBeLessThanOrEqual(6000);
      for (let i = 0; i < 17; i++) expect(await call(client, "TextOfLength", 107)).toHaveLength(107);
      expect(network.totalBytes - first).toBeGreaterThanOrEqual(1800);
      expect(network.totalBytes - first).toBeLessThanOrEqual(2500);
    }));

  it("TestConcurrentMany: 20 clients with 10 calls each", () =>
    onNetwork(async ({ call, end, network }) => {
      const client = async (number: number): Promise<number> => {
        const mine = end(number);
        let right = 0;
        for (let i = 0; i < 10; i++) {
          const argument = number * 100 + i;
          if ((await call(mine, "NumberToText", argument)) === `handler2-${argument}`) right++;
        }
        return right;
      };
      const right = await Promise.all(Array.from({ length: 20 }, (_, number) => client(number)));
      expect(right).toEqual(new Array(20).fill(10));
      expect(network.dispatched(0)).toBe(200);
    }));

  it("TestUnreliable: of 300 calls about four in five succeed", () =>
    onNetwork(async ({ call, end, network }) => {
      network.reliable = false;
      const replies = await Promise.all(Array.from({ length: 300 }, (_, number) => call(end(number), "NumberToText", number * 100)));
      const right = replies.filter((reply, number) => reply === `handler2-${number * 100}`).length;
      const lost = replies.filter((reply) => reply === undefined).length;
      expect(right + lost).toBe(300);
      // 0.9 * 0.9 of them: 243, give or take four standard deviations.
      expect(right).toBeGreaterThan(215);
      expect(right).toBeLessThan(271);
    }));

  it("TestConcurrentOne: 20 calls at once on one end", () =>
    onNetwork(async ({ call, end, network }) => {
      const client = end(1);
      const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => call(client, "NumberToText", 100 + i)));
      expect(replies).toEqual(Array.from({ length: 20 }, (_, i) => `handler2-${100 + i}`));
      expect(network.dispatched(0)).toBe(20);
    }));

  it("TestRegression1: calls that hang on a cut end do not hold up those after it is joined", () =>
    onNetwork(async ({ call, network, simulation }) => {
      const client = network.makeEnd(1, 0);
      const hanging = Array.from({ length: 20 }, (_, i) => call(client, "NumberToText", 100 + i));
      await simulation.sleep(100);
      client.enabled = true;
      const startMs = simulation.nowMs;
      expect(await call(client, "NumberToText", 99)).toBe("handler2-99");
      expect(simulation.nowMs - startMs).toBeLessThanOrEqual(30);
      expect(await Promise.all(hanging)).toEqual(new Array(20).fill(undefined));
      expect(network.dispatched(0)).toBe(1);
    }));

  it("TestKilled: a handler's caller learns within 100 ms that the server is gone", () =>
    onNetwork(async ({ call, end, network, simulation, handled }) => {
      let answered: { reply: unknown; atMs: number } | undefined;
      void call(end(1), "SleepLong", 99).then((reply) => {
        answered = { reply, atMs: simulation.nowMs };
      });
      await simulation.sleep(1000);
      expect(answered).toBeUndefined();
      await simulation.sleep(100);
      expect(answered).toBeUndefined();
      network.deleteServer(0);
      await simulation.sleep(100);
      // The network looks every 100 ms from when the handler began.
      expect(answered).toEqual({ reply: undefined, atMs: handled[0]! + 1100 });
    }));
});

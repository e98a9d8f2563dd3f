import { describe, expect, it } from "vitest";
import { bridge, chain, deaf, fullMesh, type Links, mute, oneWayCut, partition, ring, star } from "../../src/net/links.ts";
import { onNetwork } from "../support/net-world.ts";

const four = [0, 1, 2, 3];

/** One row for each sender: 1 where the way is open. */
function matrix(links: Links): string[] {
  const servers = Array.from({ length: links.size }, (_, server) => server);
  return servers.map((from) => servers.map((to) => (links.isOpen(from, to) ? 1 : 0)).join(""));
}

describe("shapes", () => {
  it.each([
    ["a full mesh", fullMesh(4), ["1111", "1111", "1111", "1111"]],
    ["a partition into groups; who is in none is alone", partition(4, [0, 2], [1]), ["1010", "0100", "1010", "0001"]],
    ["a bridge", bridge(5, [0, 1], 2, [3, 4]), ["11100", "11100", "11111", "00111", "00111"]],
    ["a ring", ring([0, 1, 2, 3, 4]), ["11001", "11100", "01110", "00111", "10011"]],
    ["a ring in another order", ring([0, 2, 1, 3]), ["1011", "0111", "1110", "1101"]],
    ["a chain", chain([1, 0, 2, 3]), ["1110", "1100", "1011", "0011"]],
    ["a star", star(4, 1), ["1100", "1111", "0110", "0101"]],
    ["a one-way cut", oneWayCut(4, [0, 1], [2]), ["1101", "1101", "1111", "1111"]],
    ["a deaf server", deaf(3, 0), ["111", "011", "011"]],
    ["a mute server", mute(3, 0), ["100", "111", "111"]],
  ])("%s", (_, links, open) => {
    expect(matrix(links)).toEqual(open);
  });

  it("rings of reach size / 4 let each server see a majority, no two the same", () => {
    for (const size of [5, 7]) {
      const rows = matrix(ring([...Array(size).keys()], Math.round(size / 4)));
      expect(new Set(rows).size).toBe(size);
      for (const row of rows) expect([...row].filter((bit) => bit === "1").length).toBeGreaterThan(size / 2);
    }
  });

  it("say which orders are none", () => {
    expect(() => ring([0, 1, 1])).toThrow("an order of 3 servers must name each of 0 to 2 once, got 0, 1, 1");
    expect(() => chain([1, 2, 3])).toThrow("got 1, 2, 3");
  });
});

describe("Links", () => {
  it("cut and mend one direction of one pair, and leave what they were made from as it was", () => {
    const full = fullMesh(3);
    const cut = full.cut(0, 1);
    expect(matrix(cut)).toEqual(["101", "111", "111"]);
    expect(matrix(cut.mend(0, 1))).toEqual(matrix(full));
    expect(matrix(full)).toEqual(["111", "111", "111"]);
  });

  it("of two shapes leave open what both do", () => {
    expect(matrix(star(4, 0).and(oneWayCut(4, [1], four)))).toEqual(["1111", "0100", "1010", "1001"]);
  });

  it("let clients that are no servers reach everyone", () => {
    expect(partition(2).isOpen(7, 0)).toBe(true);
  });

  it("are told by each server's open ways", () => {
    expect(String(deaf(3, 0))).toBe("S0 -> 1 2; S1 -> 2; S2 -> 1");
  });
});

describe("a network with links", () => {
  /** S1 calls S0; end to end a call takes about a millisecond. */
  const callOverLinks = (links: Links | undefined) =>
    onNetwork(async ({ network, end, call, handled, simulation }) => {
      network.links = links;
      const reply = await call(end(1), "NumberToText", 7);
      return { reply, handled: handled.length, tookMs: simulation.nowMs };
    });

  it("loses requests that travel a cut direction: they never arrive, and the caller is told later", async () => {
    const { reply, handled, tookMs } = await callOverLinks(fullMesh(2).cut(1, 0));
    expect([reply, handled]).toEqual([undefined, 0]);
    expect(tookMs).toBeGreaterThan(2);
    expect(tookMs).toBeLessThan(101);
  });

  it("loses replies that travel a cut direction: the handler has run", async () => {
    const { reply, handled, tookMs } = await callOverLinks(fullMesh(2).cut(0, 1));
    expect([reply, handled]).toEqual([undefined, 1]);
    expect(tookMs).toBeGreaterThan(2);
  });

  it("is the same network to the last bit while all its links are open", async () => {
    expect(await callOverLinks(fullMesh(2))).toEqual(await callOverLinks(undefined));
  });

  it.each([
    ["lets messages under way arrive at a cut", false, 1, "handler2-7"],
    ["stops messages under way at a cut, if told so", true, 0, undefined],
  ])("%s", (_, cutsInFlight, count, expected) =>
    onNetwork(async ({ network, end, call, handled, simulation }) => {
      network.cutsInFlight = cutsInFlight;
      const underWay = call(end(1), "NumberToText", 7);
      await simulation.sleep(0.01);
      network.links = fullMesh(2).cut(1, 0);
      expect(await underWay).toBe(expected);
      expect(handled).toHaveLength(count);
    }),
  );

  it("stops replies under way at a cut, if told so", () =>
    onNetwork(async ({ network, end, call, handled, simulation }) => {
      network.cutsInFlight = true;
      const underWay = call(end(1), "NumberToText", 7);
      while (handled.length === 0) await simulation.sleep(0.01);
      network.links = fullMesh(2).cut(0, 1);
      const { totalBytes } = network;
      expect(await underWay).toBeUndefined();
      expect(network.totalBytes).toBe(totalBytes);
    }));
});

import fc from "fast-check";
import { it } from "vitest";
import { properties } from "../../src/check/properties.ts";
import { ToyCluster, toyFaults } from "../support/toy-cluster.ts";
import { firstViolation } from "./naive.ts";

it("tries", () => {
  const counts = new Map<string, number>();
  const bad: string[] = [];
  let n = 0;
  const legal = new Map<string, number>();
  for (let seed = 1; seed <= Number(process.env.N ?? 300); seed++) {
    let x = seed * 7919;
    const rnd = () => { x = (Math.imul(x, 1664525) + 1013904223) >>> 0; return x >>> 8; };
    const tape = Array.from({ length: 250 }, rnd);
    const faults = Array.from({ length: rnd() % 3 }, () => toyFaults[rnd() % toyFaults.length]!);
    const toy = new ToyCluster(tape, faults).run();
    const v = toy.world.violation;
    const found = v && { event: toy.world.simulation.events, property: v.details.property };
    const naive = firstViolation(toy.history);
    n++;
    const names = naive?.properties.map((k) => properties[k].name) ?? [];
    counts.set(found?.property ?? "none", (counts.get(found?.property ?? "none") ?? 0) + 1);
    const commits = Math.max(...toy.history.map((h) => h.shown?.commitIndex ?? 0));
    if (faults.length === 0) legal.set(`c${commits}`, (legal.get(`c${commits}`) ?? 0) + 1);
    if (found?.event !== naive?.event || (found && !names.includes(found.property))) bad.push(`${seed} [${faults}] checker ${found?.event} ${v?.message} | naive ${naive?.event} ${names}`);
  }
  console.log(n, bad.length, [...counts].join("; "), [...legal].join(" "));
  console.log(bad.slice(0, 25).join("\n"));
});

import { it } from "vitest";
import { properties, propertyKeys, type PropertyKey } from "../../src/check/properties.ts";
import { PropertyViolation } from "../../src/failure.ts";
import { ToyCluster, toyFaults } from "../support/toy-cluster.ts";
import { naiveRules } from "./naive.ts";

it("tries", () => {
  const table = new Map<string, { same: number; checkerMissed: number; checkerFalse: number; later: number; earlier: number; ex: string[] }>();
  for (let seed = 1; seed <= Number(process.env.N ?? 300); seed++) {
    let x = seed * 104729;
    const rnd = () => { x = (Math.imul(x, 1664525) + 1013904223) >>> 0; return x >>> 8; };
    const tape = Array.from({ length: 250 }, rnd);
    const faults = Array.from({ length: 1 + rnd() % 3 }, () => toyFaults[rnd() % toyFaults.length]!);
    const toy = new ToyCluster(tape, faults);
    const firsts = new Map<string, { event: number; text: string }>();
    const sim = toy.world.simulation;
    sim.fail = (e: unknown) => { if (!(e instanceof PropertyViolation)) throw e; const p = e.details.property; if (!firsts.has(p)) firsts.set(p, { event: sim.events, text: e.message }); };
    toy.run();
    for (const key of propertyKeys) {
      const rule = naiveRules[key as PropertyKey]; if (!rule) continue;
      const name = properties[key].name;
      const n = Math.min(...rule(toy.history));
      const c = firsts.get(name);
      const row = table.get(name) ?? { same: 0, checkerMissed: 0, checkerFalse: 0, later: 0, earlier: 0, ex: [] };
      table.set(name, row);
      if (!c && n === Infinity) continue;
      if (c && c.event === n) row.same++;
      else {
        if (!c) row.checkerMissed++; else if (n === Infinity) row.checkerFalse++; else if (c.event > n) row.later++; else row.earlier++;
        if (row.ex.length < 4) row.ex.push(`${seed} [${faults}] ${c?.event} ${c?.text} | ${n} others ${[...firsts].map(([p, f]) => `${p}@${f.event}`)}`);
      }
    }
  }
  for (const [name, { ex, ...row }] of table) console.log(name, JSON.stringify(row), ex.length ? "\n   " + ex.join("\n   ") : "");
});

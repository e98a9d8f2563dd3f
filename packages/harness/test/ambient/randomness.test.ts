import nodeCrypto from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boot, onServer, runServer, runServers, type Server, shapeOfError, withAmbient } from "../support/ambient.ts";

type NodeCrypto = typeof nodeCrypto;

function cryptoOf({ ambient }: Server): NodeCrypto {
  return ambient.requireBuiltin("node:crypto") as NodeCrypto;
}

/** Draws from every source once. */
async function draw(server: Server): Promise<unknown[]> {
  const its = cryptoOf(server);
  const later = await Promise.all([
    new Promise((resolve) => its.randomBytes(3, (_, bytes) => resolve([...bytes]))),
    new Promise((resolve) => its.randomInt(1_000, (_, value) => resolve(value))),
    new Promise((resolve) => its.randomFill(new Uint8Array(4), (_, bytes) => resolve([...bytes]))),
  ]);
  return [
    Math.random(),
    ...[...crypto.getRandomValues(new Uint32Array(2)), crypto.randomUUID(), ...its.getRandomValues(new Uint8Array(3)), its.randomUUID()],
    ...[...its.randomBytes(5), its.randomInt(7), its.randomInt(-5, 5), ...its.randomFillSync(new Uint16Array(3))],
    ...later,
  ];
}

describe("streams", () => {
  test("one seed, one stream; other servers, lives and seeds have others", async () => {
    await withAmbient(async (ambient) => {
      const again = async (server: Server) => await server.simulation.enter(boot(server.simulation, 2), "again", () => draw(server));
      const run = async (low: number) => (await runServers([draw, draw, again], { seed: { high: 0, low } }, ambient)).value!;
      const first = await run(1);
      expect(await run(1)).toEqual(first);
      const other = await run(2);
      expect(new Set([...first, ...other].map((drawn) => JSON.stringify(drawn))).size).toBe(6);
      expect(await run(1)).toEqual(first);
    });
  });

  test("what one server draws does not move another's stream", async () => {
    const one = () => [Math.random(), Math.random()];
    const many = () => Array.from({ length: 100 }, () => Math.random()).slice(0, 2);
    expect((await runServers([one, one])).value).toEqual((await runServers([many, many])).value);
    expect((await runServers([one, one])).value?.[1]).toEqual((await runServers([many, one])).value?.[1]);
  });

  test("every evaluation of a module draws the same", async () => {
    await withAmbient(async (ambient) => {
      const first = ambient.evaluate(() => [Math.random(), crypto.randomUUID()]);
      await runServer(draw, {}, ambient);
      expect(ambient.evaluate(() => [Math.random(), crypto.randomUUID()])).toEqual(first);
    });
  });
});

describe("values", () => {
  test("are in range, and well spread", async () => {
    const seen = await onServer((server) => {
      const its = cryptoOf(server);
      const counts = new Array<number>(6).fill(0);
      for (let i = 0; i < 6_000; i++) counts[its.randomInt(6)]!++;
      const means = [
        Array.from({ length: 4_000 }, () => Math.random()).reduce((a, b) => a + b) / 4_000,
        its.randomBytes(4_000).reduce((a, b) => a + b) / 4_000 / 255,
        its.randomInt(2 ** 40, 2 ** 40 + 2 ** 47) / 2 ** 47,
      ];
      return { counts, means };
    });
    expect(Math.min(...seen.counts)).toBeGreaterThan(880);
    expect(Math.max(...seen.counts)).toBeLessThan(1_120);
    for (const mean of seen.means.slice(0, 2)) expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
    expect(seen.means[2]).toBeGreaterThan(0);
  });

  test("UUIDs have their version and variant, version 7 the virtual time", async () => {
    const { ids, seven } = await onServer(async (server) => {
      await new Promise((done) => setTimeout(done, 5_000));
      const make = Reflect.get(cryptoOf(server), "randomUUIDv7") as undefined | (() => string);
      return { ids: [crypto.randomUUID(), cryptoOf(server).randomUUID()], seven: make?.() };
    });
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[0]).not.toBe(ids[1]);
    expect(seven === undefined).toBe(!("randomUUIDv7" in nodeCrypto));
    if (seven !== undefined) {
      expect(seven).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(seven.replace("-", "").slice(0, 12), 16)).toBe(Date.UTC(2020, 0, 1) + 5_000);
    }
  });

  test("fill exactly the part that was asked for", async () => {
    await withAmbient((ambient) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom("Uint8Array", "Uint16Array", "BigUint64Array", "DataView", "ArrayBuffer"),
          fc.nat(12),
          fc.nat(14),
          fc.option(fc.nat(14), { nil: undefined }),
          async (type, length, offset, size) => {
            const make = (): ArrayBuffer | ArrayBufferView => {
              const buffer = new ArrayBuffer(8 * length + 16);
              if (type === "ArrayBuffer") return buffer;
              return type === "DataView"
                ? new DataView(buffer, 8, 8 * length)
                : new { Uint8Array, Uint16Array, BigUint64Array }[type as "Uint8Array"](buffer, 8, length);
            };
            const touched = (fill: NodeCrypto["randomFillSync"], times: number): Promise<unknown> => {
              const changed = new Set<number>();
              return shapeOfError(() => {
                for (let i = 0; i < times; i++) {
                  const view = make();
                  fill(view as Uint8Array, offset, size as number);
                  for (const [at, byte] of new Uint8Array(ArrayBuffer.isView(view) ? view.buffer : view).entries())
                    if (byte !== 0) changed.add(at);
                }
              }).then((error) => [error, [...changed].toSorted((a, b) => a - b)]);
            };
            const { value } = await runServer((server) => touched(cryptoOf(server).randomFillSync, 6), {}, ambient);
            // A byte is 0 six times in a row once in 2^48.
            expect(value).toEqual(await touched(nodeCrypto.randomFillSync, 6));
          },
        ),
        { numRuns: 60 },
      ),
    );
  });
});

describe("as Node's own", () => {
  const refused: Record<string, (its: NodeCrypto) => unknown> = {
    "randomInt(0)": (its) => its.randomInt(0),
    "randomInt(5, 5)": (its) => its.randomInt(5, 5),
    "randomInt(1.5)": (its) => its.randomInt(1.5),
    "randomInt(2 ** 50)": (its) => its.randomInt(2 ** 50),
    "randomInt(0, 2 ** 48)": (its) => its.randomInt(0, 2 ** 48),
    "randomInt('1')": (its) => its.randomInt("1" as never),
    "randomInt(1, 2, 3)": (its) => its.randomInt(1, 2, 3 as never),
    "randomBytes(-1)": (its) => its.randomBytes(-1),
    "randomBytes('1')": (its) => its.randomBytes("1" as never),
    "randomBytes(1, 2)": (its) => its.randomBytes(1, 2 as never),
    "randomFillSync('x')": (its) => its.randomFillSync("x" as never),
    "randomFillSync beyond the end": (its) => its.randomFillSync(new Uint8Array(4), 5),
    "randomFill without a callback": (its) => its.randomFill(new Uint8Array(4), undefined as never),
    "getRandomValues of floats": (its) => its.getRandomValues(new Float64Array(1) as never),
    "getRandomValues of a list": (its) => its.getRandomValues([1] as never),
    "getRandomValues of too many": (its) => its.getRandomValues(new Uint8Array(65_537)),
  };

  for (const [name, call] of Object.entries(refused)) {
    test(`refuses ${name}`, async () => {
      const simulated = await onServer((server) => shapeOfError(() => call(cryptoOf(server))));
      expect(simulated).toEqual(await shapeOfError(() => call(nodeCrypto)));
      expect(simulated).toHaveProperty("isError", true);
    });
  }

  test("forms of randomInt", async () => {
    const forms = (its: NodeCrypto): unknown[] => [
      its.randomInt(1),
      its.randomInt(3, 4),
      its.randomInt(1, undefined as never),
      typeof its.randomInt(0, 2 ** 48 - 1),
    ];
    expect(await onServer((server) => forms(cryptoOf(server)))).toEqual(forms(nodeCrypto));
  });

  test("every member of node:crypto and of the global crypto is there", async () => {
    await withAmbient(({ requireBuiltin }) => {
      const simulated = requireBuiltin("crypto") as object;
      for (const name of Object.keys(nodeCrypto)) expect(simulated).toHaveProperty(name);
      for (const name of ["getRandomValues", "randomUUID", "subtle"]) expect(crypto).toHaveProperty(name);
      expect(Reflect.get(simulated, "webcrypto")).toBe(crypto);
      expect((simulated as NodeCrypto).createHash("sha256").update("x").digest("hex")).toBe(
        nodeCrypto.createHash("sha256").update("x").digest("hex"),
      );
    });
  });

  test("what draws from Node's own generator fails the run", async () => {
    const calls = [
      "generateKeyPairSync",
      "generateKeySync",
      "generatePrimeSync",
      "createSign",
      "sign",
      "publicEncrypt",
      "createECDH",
      "scrypt",
      "pbkdf2",
    ];
    for (const name of calls) {
      const { error } = await runServer((server) => (Reflect.get(cryptoOf(server), name) as () => unknown)());
      expect(error?.message).toContain(`called crypto.${name}()`);
    }
    const { error } = await runServer(() => crypto.subtle.digest("SHA-256", new Uint8Array(1)));
    expect(error?.message).toContain("called crypto.subtle.digest()");
  });
});

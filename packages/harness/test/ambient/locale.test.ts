import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { onServer, realAndSimulated, shapeOfError } from "../support/ambient.ts";

const day = new Date(Date.UTC(2024, 1, 29, 13, 5, 6));
const utc = { timeZone: "UTC" } as const;
/** A locale that Intl has nothing for: it falls back to the default. */
const unknown = "xx-unknown";

/** Everything whose answer depends on the locale of the machine. */
function localized(): unknown[] {
  const names = [
    "Collator",
    "DateTimeFormat",
    "ListFormat",
    "NumberFormat",
    "PluralRules",
    "RelativeTimeFormat",
    "Segmenter",
    "DurationFormat",
  ];
  const makers = names.map(
    (name) => Reflect.get(Intl, name) as (new (locales?: unknown, options?: unknown) => Intl.NumberFormat) | undefined,
  );
  return [
    ...[undefined, [], unknown, [unknown]].map((locales) => [
      ...makers.map((maker) => maker && new maker(locales).resolvedOptions().locale),
      (1234.5).toLocaleString(locales),
      12345678n.toLocaleString(locales),
      [1234.5, day].toLocaleString(locales as string[], utc),
      new Float64Array([1234.5]).toLocaleString(locales as string[]),
      day.toLocaleString(locales, utc),
      day.toLocaleDateString(locales, utc),
      day.toLocaleTimeString(locales, utc),
      new Intl.DateTimeFormat(locales, utc).format(day),
      ["ä", "z", "a", "Z", "i"].toSorted((a, b) => a.localeCompare(b, locales)),
      "iI".toLocaleUpperCase(locales as string[]),
      "iI".toLocaleLowerCase(locales as string[]),
      Intl.NumberFormat(locales).format(1234.5),
    ]),
    Reflect.get(globalThis, "navigator")?.language,
  ];
}

test("the locale is en-US where none is asked for, and where none of those asked for is known", async () => {
  const [none, empty, other, others, language] = (await onServer(localized)) as unknown[][];
  expect(empty).toEqual(none);
  expect(other).toEqual(none);
  expect(others).toEqual(none);
  for (const resolved of none!.slice(0, 7)) expect(resolved).toMatch(/^en(-US)?$/);
  expect(none!.slice(8)).toEqual([
    ...[
      "1,234.5",
      "12,345,678",
      "1,234.5,2/29/2024, 1:05:06 PM",
      "1,234.5",
      "2/29/2024, 1:05:06 PM",
      "2/29/2024",
      "1:05:06 PM",
      "2/29/2024",
    ].map((text) => expect.stringMatching(spaced(text)) as unknown),
    ["a", "ä", "i", "z", "Z"],
    "II",
    "ii",
    "1,234.5",
  ]);
  expect(language).toBe("navigator" in globalThis ? "en-US" : undefined);
});

/** Newer versions of ICU write a narrow space before AM and PM. */
function spaced(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(".", "\\.").replaceAll(" ", "\\s")}$`);
}

test("a machine of another language gives the same", async () => {
  const script = `
    import { installAmbient } from ${JSON.stringify(fileURLToPath(new URL("../../dist/index.js", import.meta.url)))};
    import { writeSync } from "node:fs";
    const before = (1234.5).toLocaleString();
    installAmbient();
    writeSync(1, JSON.stringify([before, new Intl.NumberFormat().resolvedOptions().locale, (1234.5).toLocaleString(), new Intl.NumberFormat("${unknown}").format(1234.5), String(new Date(0)), new Date(0).toTimeString(), Date().slice(-28), String(new Date(NaN))]));
  `;
  const inGerman = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, TZ: "UTC", LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" },
  });
  const zone = "GMT+0000 (Coordinated Universal Time)";
  const inEnglish = [`Thu Jan 01 1970 00:00:00 ${zone}`, `00:00:00 ${zone}`, zone.slice(-28), "Invalid Date"];
  expect(JSON.parse(inGerman.toString())).toEqual(["1.234,5", "en-US", "1,234.5", "1,234.5", ...inEnglish]);
});

describe("as the real ones", () => {
  test("where a locale is asked for", async () => {
    const { real, simulated } = await realAndSimulated(() => [
      ...[
        (1234.5).toLocaleString("de"),
        new Intl.NumberFormat(["fr", "de"]).format(1234.5),
        day.toLocaleDateString("ja-JP", utc),
        "i".toLocaleUpperCase("tr"),
      ],
      ...[new Intl.NumberFormat(new Intl.Locale("de-AT")).resolvedOptions().locale, "a".localeCompare("b", "sv", { numeric: true })],
      ...[Intl.Collator.supportedLocalesOf(["de", unknown]), new Intl.DisplayNames("en", { type: "region" }).of("DE")],
      ...[Intl.DateTimeFormat("de", utc).format(day), new Intl.DateTimeFormat("de", utc).formatToParts(day).length],
    ]);
    expect(simulated).toEqual(real);
  });

  test("in identity and mistakes", async () => {
    const { real, simulated } = await realAndSimulated(async () => {
      class Plain extends Intl.NumberFormat {}
      const format = new Intl.NumberFormat();
      const mistakes = [null, 5, "not a locale", [1], {}].map((locales) => shapeOfError(() => new Intl.NumberFormat(locales as never)));
      return [
        ...[
          format instanceof Intl.NumberFormat,
          format.constructor === Intl.NumberFormat,
          new Plain() instanceof Plain,
          new Plain("de").format(1.5),
        ],
        ...[Intl.NumberFormat.name, Intl.NumberFormat.length, Number.prototype.toLocaleString.name, String.prototype.localeCompare.length],
        ...[Intl.getCanonicalLocales("EN-us"), Object.prototype.toString.call(format), await Promise.all(mistakes)],
        ...[
          await shapeOfError(() => "a".localeCompare("b", 5 as never)),
          await shapeOfError(() => new Intl.DisplayNames(undefined as never, undefined as never)),
        ],
      ];
    });
    expect(simulated).toEqual(real);
  });
});

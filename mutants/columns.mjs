/** @typedef {import("./index.mjs").Column} Column */
/** @typedef {import("./index.mjs").Harness} Harness */

/**
 * The ways to look for a fault, from the weakest on, as far as the harness has them.
 * @param {Pick<Harness, "labTests" | "beyondTests">} harness
 * @returns {readonly Column[]}
 */
export function columnsOf({ labTests, beyondTests }) {
  /** @type {Column[]} */
  const columns = [
    { name: "lab", title: "lab tests", tests: labTests.map(({ name }) => name), settings: { checks: "off" } },
    { name: "checked", title: "lab tests, checked", tests: labTests.map(({ name }) => name), settings: { checks: "on" } },
  ];
  if (beyondTests !== undefined) {
    columns.push({ name: "suite", title: "wider suite, checked", tests: beyondTests.map(({ name }) => name), settings: { checks: "on" } });
  }
  return columns;
}

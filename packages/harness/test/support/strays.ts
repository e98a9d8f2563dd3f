/** The process-wide events by which code that nobody awaits makes itself known. */
const strayEvents = ["uncaughtException", "unhandledRejection"] as const;

/**
 * Runs `act` with listeners of our own in the place of all others and returns what reached them, also in the macrotasks right after: what a
 * run should have kept to itself.
 */
export async function straysDuring(act: () => Promise<unknown>): Promise<unknown[]> {
  const strays: unknown[] = [];
  const record = (thrown: unknown): void => {
    strays.push(thrown);
  };
  const former = strayEvents.map((name) => process.listeners(name as "uncaughtException"));
  for (const name of strayEvents) process.removeAllListeners(name).on(name, record);
  try {
    await act();
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  } finally {
    strayEvents.forEach((name, i) => {
      process.removeListener(name, record);
      for (const listener of former[i]!) process.on(name as "uncaughtException", listener);
    });
  }
  return strays;
}

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LastEventWriter, readLastEvent } from "../../src/pool/last-event.ts";

it("the last event that was written is what is left, without the file having been closed", () => {
  const path = join(mkdtempSync(join(tmpdir(), "raft-stress-")), "event");
  expect(readLastEvent(path)).toEqual({ event: 0, virtualMs: 0, server: undefined });
  const writer = new LastEventWriter(path);
  expect(readLastEvent(path)).toEqual({ event: 0, virtualMs: 0, server: undefined });
  writer.write(1, 20_000, -1);
  expect(readLastEvent(path)).toEqual({ event: 1, virtualMs: 20, server: undefined });
  writer.write(5_000_000_000, 7_200_000_500, 3);
  expect(readLastEvent(path)).toEqual({ event: 5_000_000_000, virtualMs: 7_200_000.5, server: 3 });
  writer.close();
});

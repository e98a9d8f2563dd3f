import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LastEventWriter, readLastEvent } from "../../src/pool/last-event.ts";

it("the last event that was written is what is left, without the file having been closed", () => {
  const path = join(mkdtempSync(join(tmpdir(), "raft-stress-")), "event");
  expect(readLastEvent(path)).toEqual({ event: 0, virtualMs: 0 });
  const writer = new LastEventWriter(path);
  expect(readLastEvent(path)).toEqual({ event: 0, virtualMs: 0 });
  writer.write(1, 20_000);
  writer.write(5_000_000_000, 7_200_000_500);
  expect(readLastEvent(path)).toEqual({ event: 5_000_000_000, virtualMs: 7_200_000.5 });
  writer.close();
});

import type { ServiceLogs } from "../../src/cluster/service-log.ts";

/** The commands 0..index that a server has applied; null where none is known (index 0 always). */
export function commandsUpTo(logs: ServiceLogs, server: number, index: number): unknown[] {
  return Array.from({ length: index + 1 }, (_, at) => logs.at(server, at));
}

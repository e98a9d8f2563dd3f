import { type RunError, TestFailure } from "../failure.ts";
import type { Schedule } from "./schedule.ts";

/** Economy is judged when nothing is held longer than this: an implementation may send again what takes long. */
const economicalBoundUs = 1000;

/** Whether an implementation is to blame for what ended a run under a schedule. Without one it always is. */
export function isToBlame(error: RunError, schedule: Schedule | undefined): boolean {
  if (schedule === undefined) return true;
  switch (error.details.aspect ?? (error instanceof TestFailure ? "progress" : "safety")) {
    case "safety":
      return true;
    case "progress":
      return schedule.fair;
    case "economy":
      return schedule.boundUs <= economicalBoundUs;
  }
}

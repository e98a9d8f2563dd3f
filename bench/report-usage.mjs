// Preloaded into measured processes, and those that they start: each writes what the whole process used when it ends, and between two moments if it is asked for them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";

const directory = process.env.RAFT_STRESS_USAGE_DIRECTORY;
if (isMainThread && directory !== undefined) {
  const bootSeconds = totalSeconds();
  const window = measureWindow(process.env.RAFT_STRESS_USAGE_WINDOW);
  process.on("exit", () => {
    const peakMb = process.resourceUsage().maxRSS / 1024;
    writeFileSync(join(directory, `${process.pid}.json`), JSON.stringify({ cpuSeconds: totalSeconds(), bootSeconds, peakMb, ...window }));
  });
}

/** `text`: two moments in seconds of real time since now, e.g. `5-10`. The part of a processor that was in use between them is there when they are over. */
function measureWindow(text) {
  const result = {};
  if (text === undefined) return result;
  const [from, to] = text.split("-").map(Number);
  let begun;
  setTimeout(() => (begun = { cpu: totalSeconds(), ms: performance.now() }), from * 1000).unref();
  setTimeout(() => {
    result.windowShare = (totalSeconds() - begun.cpu) / ((performance.now() - begun.ms) / 1000);
  }, to * 1000).unref();
  return result;
}

function totalSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// Preloaded into measured processes: writes what the whole process used when it ends.
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env.RAFT_STRESS_USAGE_FILE;
if (isMainThread && file !== undefined) {
  const bootSeconds = totalSeconds();
  process.on("exit", () => {
    const peakMb = process.resourceUsage().maxRSS / 1024;
    writeFileSync(file, JSON.stringify({ cpuSeconds: totalSeconds(), bootSeconds, peakMb }));
  });
}

function totalSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

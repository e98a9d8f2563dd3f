// Starts raft-stress from a checkout on a machine that has only Node and npm: installs and builds when needed, then runs.
//   node scripts/launch.mjs ARGS...     install if stale, build if stale, run the command in this process
//   node scripts/launch.mjs --prepare   install and build only
//   node scripts/launch.mjs --install   install only
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const at = (...parts) => join(root, ...parts);
const packages = ["raft", "harness", "cli"];

/** What is installed is what the lock file says: pnpm keeps a copy of the lock file it installed from. */
function installIsStale() {
  const installed = at("node_modules", ".pnpm", "lock.yaml");
  if (!existsSync(installed)) return true;
  if (!readFileSync(installed).equals(readFileSync(at("pnpm-lock.yaml")))) return true;
  return packages.some((name) => existsSync(at("packages", name)) && !existsSync(at("packages", name, "node_modules")) && name !== "raft");
}

function newestMtimeMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestMtimeMs(join(path, name))), 0);
}

function buildIsStale() {
  const baseMs = newestMtimeMs(at("tsconfig.base.json"));
  const bundle = at("packages", "cli", "dist", "engine.cjs");
  const bundleMs = existsSync(bundle) ? statSync(bundle).mtimeMs : 0;
  return packages.some((name) => {
    const stamp = at("packages", name, "dist", ".tsbuildinfo");
    if (!existsSync(stamp)) return true;
    const sourceMs = Math.max(baseMs, newestMtimeMs(at("packages", name, "src")), newestMtimeMs(at("packages", name, "tsconfig.json")));
    const builtMs = statSync(stamp).mtimeMs;
    return builtMs < sourceMs || bundleMs < builtMs;
  });
}

/** Runs a set-up command; its output goes to stderr, so that stdout holds the command's own output only. */
function setUp(what, command, args, options = {}) {
  process.stderr.write(`raft-stress: ${what} ...\n`);
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (result.status === 0) return;
  const reason = result.error ? result.error.message : `exit status ${result.status ?? result.signal}`;
  process.stderr.write(`raft-stress: ${what} failed (${command} ${args.join(" ")}): ${reason}\n`);
  process.exit(3);
}

function install() {
  const { packageManager } = JSON.parse(readFileSync(at("package.json"), "utf8"));
  const onWindows = process.platform === "win32";
  // A shell is needed to find npx.cmd on Windows; the arguments are constants.
  // That npm itself has a newer version is nothing to tell somebody who wants to run tests.
  const env = { ...process.env, npm_config_update_notifier: "false" };
  setUp("installing packages", "npx", ["--yes", packageManager, "install", "--frozen-lockfile"], { shell: onWindows, env });
}

function build() {
  setUp("building", process.execPath, [
    at("node_modules", "typescript", "bin", "tsc"),
    "-b",
    "packages/raft",
    "packages/harness",
    "packages/cli",
  ]);
  setUp("bundling", process.execPath, [at("packages", "cli", "scripts", "bundle-engine.mjs")]);
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`raft-stress needs Node 20.19 or newer, this is Node ${process.versions.node}\n`);
  process.exit(3);
}

requireNode();
const mode = process.argv[2];
if (installIsStale()) install();
if (mode !== "--install") {
  if (buildIsStale()) build();
  if (mode !== "--prepare") {
    process.argv[1] = at("packages", "cli", "bin", "raft-stress.mjs");
    await import(pathToFileURL(at("packages", "cli", "dist", "main.js")).href);
  }
}

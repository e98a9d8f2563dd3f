import { type Dirent, existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestInfo } from "./select.ts";

/** Folders deeper than this are not looked into. */
const depth = 3;

/**
 * What to say to someone who stands in a Go module with tests and names no built-in test: most people have their Raft in Go.
 * Undefined: nothing.
 */
export function goHint(patterns: readonly string[], catalogue: readonly TestInfo[], directory: string): string | undefined {
  if (patterns.some((pattern) => catalogue.some(({ name, alias }) => name === pattern || alias === pattern))) return undefined;
  if (!inGoModule(directory)) return undefined;
  const found = existsSync(join(directory, "go.mod")) ? directoryWithTests(directory, depth) : hasGoTests(directory);
  if (!found) return undefined;
  return "there are Go tests here: raft-stress --go runs them; without it the built-in Raft is tested";
}

function inGoModule(directory: string): boolean {
  if (existsSync(join(directory, "go.mod"))) return true;
  const above = dirname(directory);
  return above !== directory && inGoModule(above);
}

function hasGoTests(directory: string): boolean {
  return entriesOf(directory).some(({ name }) => name.endsWith("_test.go"));
}

/** A folder that cannot be looked into has nothing to hint at. */
function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function directoryWithTests(directory: string, levels: number): boolean {
  if (hasGoTests(directory)) return true;
  if (levels === 0) return false;
  const below = entriesOf(directory).filter((entry) => entry.isDirectory() && /^[^._]/.test(entry.name));
  return below.some(({ name }) => name !== "node_modules" && directoryWithTests(join(directory, name), levels - 1));
}

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";
import { environment, newDirectory } from "./support/command.ts";

const cli = fileURLToPath(new URL("..", import.meta.url));

it("npm pack makes a package that runs where there is no checkout", async () => {
  const place = newDirectory();
  await execa("npm", ["pack", "--pack-destination", place], { cwd: cli, env: environment });
  const modules = join(place, "node_modules");
  const own = join(modules, "raft-stress");
  mkdirSync(own, { recursive: true });
  const tarball = readdirSync(place).find((name) => name.endsWith(".tgz"))!;
  await execa("tar", ["-xzf", join(place, tarball), "-C", own, "--strip-components=1"]);
  // What npm would take from the registry; the workspace's own packages must be in the tarball.
  const others = ["acorn", "cli-table3", "commander", "esbuild", "execa", "ora", "picocolors", "piscina"];
  for (const name of others) symlinkSync(join(cli, "node_modules", name), join(modules, name));

  const { stdout } = await execa(process.execPath, [join(own, "bin", "raft-stress.mjs"), "TestBasicAgree2B", "-n", "3"], {
    cwd: place,
    env: environment,
  });
  expect(stdout).toMatch(/\n3 passed, 0 failed$/);
  writeFileSync(
    join(place, "raft.ts"),
    'import { makeRaft as m } from "@raft-stress/raft";\nexport const makeRaft = (env: object) => m(env as never);\n',
  );
  const ofAFile = [join(own, "bin", "raft-stress.mjs"), "TestBasicAgree2B", "-n", "3", "--raft", "raft.ts"];
  expect((await execa(process.execPath, ofAFile, { cwd: place, env: environment })).stdout).toMatch(/\n3 passed, 0 failed$/);
  const init = await execa(process.execPath, [join(own, "bin", "raft-stress.mjs"), "init"], { cwd: place, env: environment });
  expect(init.stdout).toMatch(/^Wrote my-raft\.ts: .*\nIts first test: {2}.*raft-stress\.mjs --raft my-raft\.ts TestInitialElection2A$/);
  expect(readdirSync(join(own, "node_modules", "@raft-stress")).toSorted()).toEqual(["harness", "raft"]);
});

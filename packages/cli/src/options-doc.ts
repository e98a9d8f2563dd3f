import { argumentText, defaultText, environmentName, longName, type OptionName, optionNames, optionTable } from "./options.ts";

const introduction = `# Options of raft-stress

Made from the table in \`packages/cli/src/options.ts\` by \`node packages/cli/scripts/write-options-doc.mjs\`.

An option is taken from the first of these that has it: the command line, the environment, the profile (\`--profile\`), the configuration
file (\`--config\`, else \`raft-stress.config.json\`, \`.mjs\` or \`.js\` in the current directory), the default. In the file, options go by
their long names; \`profiles\` holds named sets of them:

\`\`\`json
{ "workers": 4, "profiles": { "nightly": { "loop": true, "for": "2h" } } }
\`\`\`

Logs are named \`OUTPUT/TEST_N.log\`: N is the number of runs of the whole command that had finished before that run, whatever their test.
A log begins with all that is needed to make its run again: \`raft-stress replay LOG\` does so. Beside the logs, unless every run leaves one
(\`--archive\`), \`OUTPUT/runs.json\` says which runs there were, so that \`--resume OUTPUT\` can go on. A command whose runs all pass makes no directory:
give it \`--resume\` from the start if others are to go on from it.

Durations have a unit: \`500ms\`, \`90s\`, \`2m\`, \`8h\`, \`1h30m\`. Besides the options, \`RAFT_LOG=none|debug|trace\` chooses how much of a run its log
holds (default debug, one level more with each \`-v\`), and \`NO_COLOR\`, \`FORCE_COLOR\` and \`TERM=dumb\` are obeyed.
`;

/** The text of docs/options.md. */
export function optionsDocument(): string {
  const groups = [...new Set(optionNames.map((name) => optionTable[name].group))];
  const sections = groups.map((group) => {
    const rows = optionNames.filter((name) => optionTable[name].group === group).map(cells);
    return `## ${group}\n\n${markdownTable(["option", "default", "environment", "meaning"], rows)}\n`;
  });
  return [introduction, ...sections].join("\n");
}

function cells(name: OptionName): readonly string[] {
  const spec = optionTable[name];
  const letter = spec.letter === undefined ? "" : `-${spec.letter}, `;
  const argument = argumentText(spec, "", "");
  const opposite =
    spec.kind === "switch" && spec.oppositeLetter !== undefined ? ` / \`-${spec.oppositeLetter}, --no-${longName(name)}\`` : "";
  const texts = [
    `\`${letter}--${longName(name)}${argument}\`${opposite}`,
    defaultText(spec) ?? "",
    `\`${environmentName(name)}\``,
    spec.sentence,
  ];
  return texts.map((text) => text.replaceAll("|", "\\|"));
}

/** With aligned columns, as the formatter of this repository wants them. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

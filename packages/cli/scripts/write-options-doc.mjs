// Writes docs/options.md from the table of options. Build first.
import { writeFileSync } from "node:fs";
import { optionsDocument } from "../dist/options-doc.js";

writeFileSync(new URL("../../../docs/options.md", import.meta.url), optionsDocument());

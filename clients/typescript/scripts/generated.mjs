// Takes the types from docs/schema, and makes the tables that the client needs when it runs.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const schema = here("../../../docs/schema/");
const read = (name) => JSON.parse(readFileSync(schema + name, "utf8"));

for (const folder of ["../types/", "../src/generated/", "../dist/"]) {
  rmSync(here(folder), { recursive: true, force: true });
}
mkdirSync(here("../types/"));
mkdirSync(here("../src/generated/"));
for (const name of readdirSync(schema).filter((name) => name.endsWith(".d.ts"))) {
  cpSync(schema + name, here("../types/") + name);
}

const table = Object.entries(read("methods.json"))
  .map(([side, methods]) => {
    const rows = Object.entries(methods).map(([name, { payload, row }]) => `  ${name}: ["${payload}", "${row}"],`);
    return `/** Requests on /${side}/: the keys of the payload and of the reply's. */\nexport const ${side} = {\n${rows.join("\n")}\n} as const;`;
  })
  .join("\n\n");
writeFileSync(here("../src/generated/methods.ts"), `${table}\n`);

const values = Object.entries(read("values.json").definitions)
  .map(([type, schema]) => `export const ${type} = ${JSON.stringify(schema["x-values"])} as const;`)
  .join("\n");
writeFileSync(here("../src/generated/values.ts"), `${values}\n`);

// node validate.mjs FILE...: what the parser of the AsyncAPI project says of each document, and how
// many operations it found. Exit status 1: one of them is wrong.
import { Parser, fromFile } from "@asyncapi/parser";

const ERROR = 0;
for (const path of process.argv.slice(2)) {
  const { document, diagnostics } = await fromFile(new Parser(), path).parse();
  const errors = diagnostics.filter(({ severity }) => severity === ERROR);
  for (const { path: where, message } of errors) console.log(`${path}: ${where.join(".")}: ${message}`);
  console.log(`${path}: ${document?.operations().all().length ?? 0} operations`);
  if (errors.length > 0 || document === undefined) process.exitCode = 1;
}

// Reads a document by AsyncAPI's own parser; prints what it holds, and what is wrong with it.
//
// asyncapi.mjs FILE

import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
// 0 is an error and 1 a warning; above are hints.
for (const one of diagnostics.filter(({ severity }) => severity <= 1)) {
  console.log(`${one.severity === 0 ? "error" : "warning"} ${one.path.join("/")}: ${one.message}`);
}
console.log(`version ${document?.version()}, ${document?.channels().length} channels, `
  + `${document?.operations().length} operations, ${document?.messages().length} messages`);

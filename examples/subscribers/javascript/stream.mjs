// Follows a feed as server-sent events: HUB=http://… KEY=ltk_… node stream.mjs FILE
//
// A browser's EventSource does the same by itself, but sends no key: docs/portal.md.

import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Kept } from "./kept.mjs";

const { HUB, KEY } = process.env;
const kept = new Kept(process.argv[2]);
let { place } = kept;
for (;;) {
  const line = new AbortController();
  // The hub says something every ten seconds: a line that is silent for longer is dead.
  const silent = setTimeout(() => line.abort(), 30_000);
  try {
    const headers = { Authorization: `Bearer ${KEY}`, ...(place && { "Last-Event-ID": place }) };
    const answer = await fetch(`${HUB}/v1/feeds/records/stream`, { headers, signal: line.signal });
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.json()).title_en}`);
    for await (const text of createInterface({ input: Readable.fromWeb(answer.body) })) {
      silent.refresh();
      if (text.startsWith("id: ")) place = text.slice(4);
      if (text.startsWith("data: ")) kept.add(JSON.parse(text.slice(6)), place);
    }
  } catch (away) {
    console.error(String(away.cause ?? away));
  }
  clearTimeout(silent);
  await pause(1000);
}

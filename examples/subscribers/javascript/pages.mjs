// Follows a feed page by page: HUB=http://… KEY=ltk_… node pages.mjs FILE

import { setTimeout as pause } from "node:timers/promises";
import { Kept } from "./kept.mjs";

const { HUB, KEY } = process.env;
const kept = new Kept(process.argv[2]);
// A page that would be empty waits for what comes, for half a minute.
let place = kept.place ?? "/v1/feeds/records?limit=100&wait=30";
for (;;) {
  try {
    const answer = await fetch(HUB + place, { headers: { Authorization: `Bearer ${KEY}` } });
    // 410 wants more than waiting: docs/feeds.md
    if (!answer.ok) throw new Error(`${answer.status} ${(await answer.json()).title_en}`);
    const [, following] = /^<(.*?)>; rel="next"/.exec(answer.headers.get("link"));
    const events = await answer.json();
    // Only after the last one is the page done with.
    events.forEach((event, at) => kept.add(event, at + 1 === events.length ? following : null));
    place = following;
  } catch (away) {
    console.error(String(away.cause ?? away));
    await pause(1000);
  }
}

// What the hub itself shows to people, by axe-core. The page of its interface is left out: it is
// swagger-ui's, whose buttons without names and pale words are not ours to mend.
//
// pages.mjs HUB

import assert from "node:assert/strict";
import { accessible, opened, started } from "./chromium.mjs";

const hub = process.argv[2];
const faults = [];
const browser = await started();
let looked = 0;
try {
  for (const path of ["/console", "/console/exchange", "/console/roadmap", "/problems"]) {
    const page = await opened(browser, hub + path, faults);
    looked += await accessible(page, path);
    await page.close();
  }
  assert.deepEqual(faults, []);
  console.log(`all done, ${looked} rules held`);
} finally {
  await browser.close();
}

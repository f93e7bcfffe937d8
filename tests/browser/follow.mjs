// Follows what the portal's server relays by the browser's own EventSource, and prints a line for
// each event, and for each time that the browser found its line open.
//
// follow.mjs URL

import { opened, started } from "./chromium.mjs";

const url = process.argv[2];
const browser = await started();
process.on("SIGTERM", () => browser.close().then(() => process.exit(0)));
try {
  const page = await opened(browser, url, []);
  await page.exposeFunction("toldOf", (line) => console.log(line));
  await page.evaluate(() => {
    const source = new EventSource("/api/events");
    source.onopen = () => globalThis.toldOf("open");
    source.onmessage = ({ lastEventId, data }) => globalThis.toldOf(`${lastEventId} ${data}`);
    source.addEventListener("lost", () => globalThis.toldOf("lost"));
  });
} catch (error) {
  await browser.close();
  throw error;
}

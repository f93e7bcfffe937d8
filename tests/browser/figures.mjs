// What the example portal tells of a year in figures, as JSON: the numbers at the top, what is
// said of those that are left out, the table's rows, the names in the chart.
//
// figures.mjs URL YEAR

import assert from "node:assert/strict";
import { accessible, opened, started } from "./chromium.mjs";

const [url, year] = process.argv.slice(2);
const faults = [];
const browser = await started();
try {
  const page = await opened(browser, `${url}#/figures?period=${year}`, faults);
  await page.waitForSelector("#figures summary");
  await page.click("#figures summary");
  await accessible(page, "figures");
  const told = await page.evaluate(() => {
    const texts = (selector, of = document) =>
      [...of.querySelectorAll(selector)].map((one) => one.textContent);
    return { tiles: texts(".tiles .big"), left: texts("#left"),
      rows: [...document.querySelectorAll("tbody tr")].map((row) => texts("th, td", row)),
      chart: texts(".chart > text") };
  });
  assert.deepEqual(faults, []);
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}

// The distribution's Chromium, and what axe-core has to say of what it shows.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts it; who runs as root has no sandbox. */
export function started() {
  return puppeteer.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--disable-gpu", "--disable-dev-shm-usage",
      ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
  });
}

/** A page, with what went wrong on it: faults of scripts, and what was asked of anybody else. */
export async function opened(browser, url, faults) {
  const page = await browser.newPage();
  // Longer than anything takes, on a machine that does other things too.
  page.setDefaultTimeout(90_000);
  await page.setViewport({ width: 1100, height: 900 });
  page.on("pageerror", (error) => faults.push(`${url}: ${error}`));
  page.on("console", (said) => {
    // That an answer is no success is told on the page itself.
    const isAnswer = said.text().startsWith("Failed to load resource");
    if (said.type() === "error" && !isAnswer) faults.push(`${url}: ${said.text()}`);
  });
  page.on("request", (asked) => {
    const other = !asked.url().startsWith(new URL(url).origin) && !asked.url().startsWith("data:");
    if (other) faults.push(`${url}: asks ${asked.url()}`);
  });
  await page.goto(url);
  return page;
}

/** Fails where axe-core finds something serious or critical; gives how many rules it looked at. */
export async function accessible(page, where) {
  // The page lets no script of others run; a debugger may.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document));
  const grave = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const told = grave.map((one) =>
    `${where}: ${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  if (told.length) throw new Error(told.join("\n"));
  return found.passes.length;
}

/** Waits until something shows a text. */
export const reads = (page, selector, text) => page.waitForFunction(
  (selector, text) => document.querySelector(selector)?.textContent.includes(text),
  {}, selector, text);

// A citizen at the example portal: finds a procedure, looks a dossier up, sees figures, leaves
// feedback; in both languages, by keyboard, on a small screen, and while something is wrong.
//
// portal.mjs URL [FOLDER], where pictures go

import assert from "node:assert/strict";
import { accessible, opened, reads, started } from "./chromium.mjs";

const [url, pictures] = process.argv.slice(2);
const WORDS = {
  vi: {
    title: "Tìm thủ tục · Dịch vụ công Đồng Nai", search: "Bạn cần làm thủ tục gì?",
    found: "Tìm thấy", none: "Không tìm thấy thủ tục nào.", status: "Đã trả kết quả",
    next: "không cần làm gì thêm", wrong: "Không tìm thấy hồ sơ với mã và thông tin này.",
    agency: "Sở Công Thương", late: "Trễ hạn", year: "Năm 2014", sent: "Cảm ơn bạn đã góp ý.",
    construction: "Sở Xây dựng", counter: "nộp tại bộ phận một cửa", few: "không nêu, để không lộ số của quá ít hồ sơ",
    left: "quá ít hồ sơ: dưới 5.", watching: "trang này báo ngay",
    many: "Đã có quá nhiều lượt theo dõi", empty: "Góp ý còn trống.",
    refused: "Có ô chưa đúng.", phone: "Số điện thoại để trả lời: chỉ gồm 3 đến 15 chữ số.",
    contact: "Cơ quan có thể liên hệ", level: "Mức độ 3", limit: "Thời hạn giải quyết",
    due: "Ngày hẹn trả kết quả", all: "Đã giải quyết",
  },
  en: {
    title: "Find a procedure · Dong Nai Public Services", search: "What do you need to get done?",
    found: "procedures found", none: "No procedure was found.", status: "Result returned",
    next: "nothing is left", wrong: "There is no dossier with this code",
    agency: "Department of Industry and Trade", late: "Late", year: "Year 2014", sent: "Thank you",
    construction: "Department of Construction", counter: "one-stop office", few: "not shown, so as not to reveal numbers of too few",
    left: "fewer than 5.", watching: "tells of every change",
    many: "Too many are following already", empty: "The feedback is empty.",
    refused: "A field is not right.",
    phone: "Telephone for an answer: 3 to 15 digits, and nothing else.",
    contact: "The agency may contact you", level: "Level 3", limit: "Time limit",
    due: "Promised by the agency", all: "Finished",
  },
};

/** Somebody's dossier. */
const FACTS = { code: "BH.HKD.13.002201", secret: "0171" };
/** How many may follow one dossier. */
const WATCHES_MAX = 20;
/** How often it is looked whether a watch has ended. */
const LOOKS_MAX = 300;

const faults = [];
const browser = await started();
const page = await opened(browser, url, faults);
let looked = 0;

async function picture(name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

async function checked(language, name) {
  looked += await accessible(page, `${language} ${name}`);
  await picture(`${language}-${name}`);
  const wide = await page.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, `${language} ${name}: ${wide} too wide`);
}

/** Presses Tab until something that fits is focused, as who has no mouse does. */
async function tabTo(selector) {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

/** Goes to a view by its place in the navigation. */
async function go(view, heading) {
  await page.focus(".skip");
  await tabTo(`nav a[href="#/${view}"]`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.matches("h1"));
  if (heading) await reads(page, "h1", heading);
}

/** What somebody else asks the page's server, from an address by which look-ups are counted. */
const other = (language, method, path, body) => fetch(`${url}api/${path}`, { method,
  headers: { "X-Forwarded-For": language === "vi" ? "203.0.113.7" : "203.0.113.8",
    "Content-Type": "application/json" },
  body: body && JSON.stringify(body) });

/** Presses what follows a dossier; the watch that is made then. */
async function watched(page) {
  const [made] = await Promise.all([
    page.waitForResponse((answer) => answer.url().endsWith("/api/watches")),
    page.click("#watch"),
  ]);
  return (await made.json()).watch;
}

/** Waits until a watch has ended; its stream is none then. */
async function ended(watch, when) {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const stream = await other("vi", "GET", `events?watch=${watch}`);
    await stream.body.cancel();
    if (stream.status === 404) return;
    await new Promise((done) => { setTimeout(done, 100); });
  }
  assert.fail(`the watch goes on ${when}`);
}

/** Looks the dossier up, on a page where the form stands. */
async function finds(page, words) {
  await page.waitForSelector("#secret");
  await page.type("#code", FACTS.code);
  await page.type("#secret", FACTS.secret);
  await page.keyboard.press("Enter");
  await reads(page, "#dossier .status", words.status);
}

async function searches(language, words) {
  await go("", words.search);
  await tabTo("#q");
  // Without accents, as most type.
  await page.keyboard.type("khai sinh");
  await page.keyboard.press("Enter");
  await reads(page, ".found", words.found);
  assert.match(await page.$eval("#results h2", (one) => one.textContent), /khai sinh/i);
  assert.equal(await page.title(), words.title);
  await reads(page, "#results", words.counter);
  await checked(language, "search");
  const first = await page.$$eval("#results .list > li", (all) => all.length);
  await tabTo("#results button");
  await page.keyboard.press("Enter");
  await page.waitForFunction((first) =>
    document.querySelectorAll("#results .list > li").length > first, {}, first);
  // A word that is nearly right finds what was meant.
  await page.$eval("#q", (one) => { one.value = ""; });
  await page.focus("#q");
  await page.keyboard.type("khai sihn");
  await page.keyboard.press("Enter");
  await reads(page, "#results", words.none);
  await checked(language, "suggested");
  await tabTo("#results a");
  await page.keyboard.press("Enter");
  await reads(page, ".found", words.found);
  // Only what one agency does.
  await page.select("#agency", "so-xay-dung");
  await page.$eval("#q", (one) => { one.value = "xây dựng"; });
  await page.focus("#q");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("agency=so-xay-dung"));
  await reads(page, "#results dl", words.construction);
}

/** Goes from a procedure to its agency's own service, and comes back. */
async function goesToTheService(language, words) {
  await page.evaluate(() => { location.hash = "#/?agency=so-xay-dung&online_level=3"; });
  await page.waitForSelector("#results a.button");
  await reads(page, "#results .badge", words.level);
  await reads(page, "#results dl", words.limit);
  await checked(language, "services");
  await tabTo("#results a.button");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.match(page.url(), /\/service\.html$/);
  await reads(page, "h1", "Dịch vụ của cơ quan");
  await checked(language, "service");
  await Promise.all([page.waitForNavigation(), page.goBack()]);
  await page.waitForSelector("nav a");
}

async function looksUp(language, words) {
  await go("lookup");
  await tabTo("#code");
  await page.keyboard.type(FACTS.code);
  await tabTo("#secret");
  await page.keyboard.type("0000");
  await page.keyboard.press("Enter");
  await reads(page, "#dossier .problem", words.wrong);
  await checked(language, "lookup-failed");
  await page.focus("#secret");
  await page.keyboard.down("Control");
  await page.keyboard.press("a");
  await page.keyboard.up("Control");
  await page.keyboard.type(FACTS.secret);
  await page.keyboard.press("Enter");
  await reads(page, "#dossier .status", words.status);
  await reads(page, "#dossier .next", words.next);
  await reads(page, "#dossier", "Quách T** T** D**");
  // Who hears the page is led to the answer, and no secret stands in the address.
  assert.equal(await page.evaluate(() => document.activeElement.textContent), FACTS.code);
  assert.equal(new URL(page.url()).hash, "#/lookup");
  await reads(page, ".steps", words.due);
  const days = await page.$$eval(".steps li", (all) =>
    all.map((step) => step.lastChild.textContent.split("/").reverse().join("-")));
  assert.ok(days.length > 3);
  assert.deepEqual(days, days.toSorted(), "the dates are not in their order");
  const gap = await page.evaluate(() => document.querySelector("#watch").getBoundingClientRect().top
    - document.querySelector(".steps").getBoundingClientRect().bottom);
  assert.ok(gap >= 8, `${gap} between the dates and the button`);
  await checked(language, "lookup");
  await tabTo("#watch");
  await page.keyboard.press("Enter");
  await reads(page, "#notice", words.watching);
  assert.equal(await page.$("#watch"), null);
  await checked(language, "watching");
  // What feedback is about goes along, and not in the address.
  await page.click("#dossier a");
  await page.waitForSelector("#agency option[value='ubnd-bien-hoa']");
  assert.equal(new URL(page.url()).hash, "#/feedback");
  const about = () => page.evaluate(() =>
    ["agency", "about"].map((id) => document.getElementById(id).value));
  assert.deepEqual(await about(), ["ubnd-bien-hoa", FACTS.code]);
  await go("lookup");
  await go("feedback");
  await page.waitForSelector("#agency");
  assert.deepEqual(await about(), ["", ""], "who comes next is told of another's dossier");
}

/** Follows a dossier, and no longer than it is shown. */
async function follows(language, words) {
  await go("lookup");
  await finds(page, words);
  const left = await watched(page);
  await go("");
  await ended(left, "when its dossier is left");
  const second = await opened(browser, `${url}#/lookup`, faults);
  await finds(second, words);
  // A page that is put aside may be shown again as it was left: it follows nothing, and offers to.
  const aside = await watched(second);
  await second.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  });
  await ended(aside, "when the page is put aside");
  await second.waitForSelector("#watch");
  assert.equal((await second.$eval("#notice", (notice) => notice.textContent)).trim(), "");
  const closed = await watched(second);
  await second.close();
  await ended(closed, "when the page is closed");
  // Where others have taken all places, that is said, and the dossier stays.
  const others = [];
  for (let places = 0; places < WATCHES_MAX; places++) {
    const made = await other(language, "POST", "watches", FACTS);
    assert.equal(made.status, 201, "a place that has been left is taken");
    others.push((await made.json()).watch);
  }
  await go("lookup");
  await finds(page, words);
  await page.click("#watch");
  await reads(page, "#notice .problem", words.many);
  assert.ok(await page.$("#dossier .status"));
  await checked(language, "too-many-watches");
  for (const one of others) {
    const left = await other(language, "DELETE", `watches/${one}`);
    assert.equal(left.status, 204);
    // The line ends behind it, which whoever would ask on it again is told.
    assert.equal(left.headers.get("connection"), "close");
  }
}

async function seesFigures(language, words) {
  await go("figures");
  await reads(page, ".chart", words.agency);
  const bars = await page.$$eval(".chart .bar rect", (all) => all.length);
  assert.ok(bars >= 3, `${bars} bars`);
  await page.focus("form button");
  await tabTo("summary");
  await page.keyboard.press("Enter");
  await reads(page, "details[open] thead", words.late);
  await reads(page, "details[open] thead", words.all);
  assert.equal(await page.$("#left"), null);
  const sums = await page.$$eval("tbody tr", (all) => all.map((row) =>
    [...row.querySelectorAll("td")].map((cell) => cell.textContent)));
  assert.ok(sums.every((row) => row.length === 7));
  for (const [all, early, onTime, late] of sums) {
    assert.equal(Number(all), Number(early) + Number(onTime) + Number(late));
  }
  await checked(language, "figures");
  // Two dossiers are too few to be told of.
  await page.select("#period", "2014");
  await page.focus("#period");
  await tabTo("form button");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.endsWith("2014"));
  await page.waitForSelector("summary");
  await page.$eval("summary", (one) => one.click());
  await reads(page, "tbody", words.few);
  await reads(page, "#left", words.left);
  assert.equal(await page.$(".chart"), null);
}

async function leavesFeedback(language, words) {
  await go("feedback");
  await page.waitForSelector("#agency option[value='so-xay-dung']");
  await tabTo("#agency");
  await page.select("#agency", "so-xay-dung");
  await tabTo("form .row button");
  await page.keyboard.press("Enter");
  await reads(page, ".problem", words.empty);
  await page.focus("#agency");
  await tabTo("input[type=radio]");
  await page.keyboard.press("Space");
  for (let star = 1; star < 4; star++) await page.keyboard.press("ArrowRight");
  await tabTo("#text");
  await page.keyboard.type("Nhanh gọn, cảm ơn.");
  await checked(language, "feedback");
  // What no browser would let somebody write, the hub refuses in words.
  await page.$eval("#phone", (one) => { one.removeAttribute("pattern"); one.value = "gọi tôi"; });
  await tabTo("form .row button");
  await page.keyboard.press("Enter");
  await reads(page, ".problem", words.refused);
  await reads(page, ".problem li", words.phone);
  await page.$eval("#phone", (one) => { one.value = "0900000001"; });
  await page.focus("form .row button");
  await page.keyboard.press("Enter");
  await reads(page, ".done", words.sent);
  await reads(page, ".done", words.contact);
  // The number is the one that the hub has it under.
  assert.match(await page.$eval(".done", (one) => one.textContent), /portal-[0-9a-f]{32}/);
  await checked(language, "feedback-sent");
}

async function isSmall(language) {
  await page.setViewport({ width: 360, height: 740, isMobile: true, hasTouch: true });
  for (const view of ["", "lookup", "figures", "feedback"]) {
    await page.goto(`${url}#/${view}`);
    await page.waitForSelector(view === "figures" ? ".chart" : "form");
    await checked(language, `small-${view || "search"}`);
  }
  await page.setViewport({ width: 1100, height: 900 });
}

/** What stands in the page before its script has run is what it says then. */
async function isTold() {
  const text = await (await fetch(url)).text();
  const words = await page.evaluate((text) => [...new DOMParser().parseFromString(text, "text/html")
    .querySelectorAll("[data-say]")].map((one) => [one.textContent,
    document.querySelector(`[data-say="${one.dataset.say}"]`).textContent]), text);
  assert.ok(words.length > 6);
  for (const [before, after] of words) assert.equal(before, after);
}

/** What is taken away: motion, colours, a screen. */
async function isPlain() {
  await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
  await page.goto(`${url}#/figures`);
  await page.waitForSelector(".chart .bar");
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0, "something moves");
  await page.emulateMediaType("print");
  const shown = await page.$eval("nav", (one) => getComputedStyle(one).display);
  assert.equal(shown, "none", "what is for screens is printed");
  await picture("print-figures");
  await page.emulateMediaType("screen");
}

try {
  await isTold();
  for (const language of ["vi", "en"]) {
    if (language === "en") {
      await page.focus(".skip");
      await tabTo("#language");
      await page.keyboard.press("Enter");
    }
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    await searches(language, WORDS[language]);
    await goesToTheService(language, WORDS[language]);
    await looksUp(language, WORDS[language]);
    await follows(language, WORDS[language]);
    await seesFigures(language, WORDS[language]);
    await leavesFeedback(language, WORDS[language]);
    await isSmall(language);
  }
  await isPlain();
  // Its own skip link, and what it stored, last.
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => localStorage.length), 1, "more than the language is kept");
  assert.deepEqual(faults, []);
  console.log(`all done, ${looked} rules held`);
} catch (error) {
  await picture("failed");
  throw error;
} finally {
  await browser.close();
}

// How many dossiers each agency finished in time, and what is changing now.

import { agencies, agencyName, ask, problem } from "./ask.js";
import { chart, legend } from "./chart.js";
import { choice, make, show } from "./elements.js";
import { count, dayOf, say, sortable, spoken } from "./words.js";

/** Changes shown at once, and how long they are gathered before the figures are asked for again. */
const CHANGES = 5;
const GATHER_MS = 3000;
/** Years before this one that may be asked for. */
const YEARS = 15;

const percent = (part, whole) => new Intl.NumberFormat(spoken() === "en" ? "en-GB" : "vi-VN",
  { style: "percent", maximumFractionDigits: 1 }).format(part / whole);

/** What the hub leaves out is null. */
const stands = (n) => n === null ? "…" : count(n);

/** How many of the finished were in time, where any was finished. */
const inTime = (row) => row.finished
  ? percent(row.early + row.on_time, row.finished) : row.finished === 0 ? "–" : "…";

/** Today in Vietnam, as YYYY-MM-DD. */
const today = () => sortable(new Date().toISOString());

/** The first and last day of a period: a year, or the twelve months up to today. */
function days(period) {
  if (/^\d{4}$/.test(period ?? "")) return { from: `${period}-01-01`, to: `${period}-12-31` };
  const to = today();
  // The 29th of February has no day in the year before.
  return { from: `${Number(to.slice(0, 4)) - 1}${to.slice(4).replace("-02-29", "-02-28")}`, to };
}

function table(told, rows) {
  const heads = ["agency", "all", "early", "onTime", "late", "share", "open", "overdue"];
  const ended = (row) => [row.finished, row.early, row.on_time, row.late].map(count)
    .concat(inTime(row)).map((value) => make("td", {}, value));
  const left = make("td", { colspan: 5, class: "few" }, say("few"));
  return make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": say("asTable") },
    make("table", {},
      make("caption", {}, say("caption", { from: dayOf(told.from), to: dayOf(told.to) })),
      make("thead", {}, make("tr", {},
        heads.map((name) => make("th", { scope: "col" }, say(name))))),
      make("tbody", {}, rows.map((row) => make("tr", {},
        make("th", { scope: "row" }, row.name),
        row.finished === null ? left.cloneNode(true) : ended(row),
        make("td", {}, stands(row.open)), make("td", {}, stands(row.overdue)))))));
}

function tile(value, words) {
  return make("div", { class: "card" }, make("span", { class: "big" }, value), words);
}

/** The figures of a period, as what stands on the page. */
async function figuresOf(period) {
  const [all, { told }] = await Promise.all([agencies(), ask("/api/on-time", days(period))]);
  const rows = told.rows.filter((row) => row.agency)
    .map((row) => ({ ...row, name: agencyName(all.get(row.agency), row.agency) }))
    .sort((one, other) => (other.finished ?? -1) - (one.finished ?? -1));
  const { total } = told;
  const shown = rows.filter((row) => row.finished > 0);
  const isLeft = [total, ...rows].some((row) => Object.values(row).includes(null));
  if (!rows.length) return make("p", { class: "card empty" }, say("noFigures"));
  return [
    make("div", { class: "tiles" }, tile(stands(total.finished), say("all")),
      tile(inTime(total), say("share")), tile(stands(total.overdue), say("overdue"))),
    isLeft && make("p", { class: "hint", id: "left" }, say("left", { n: told.suppressed_below })),
    make("div", { class: "card" }, shown.length > 0 && [legend(), chart(shown)],
      make("details", {}, make("summary", {}, say("asTable")), table(told, rows))),
  ];
}

/** Follows changes: shows the last ones, and has the figures asked for again. */
function follow(list, place, refresh) {
  let [gathered, source] = [undefined, undefined];
  const later = () => {
    gathered ??= setTimeout(() => {
      gathered = undefined;
      // Who is reading the figures by keyboard keeps their place.
      if (place.contains(document.activeElement)) later();
      else refresh();
    }, GATHER_MS);
  };
  const changed = async (event) => {
    const { agency, status } = JSON.parse(event.data);
    const all = await agencies();
    const time = new Date().toLocaleTimeString(spoken() === "en" ? "en-GB" : "vi-VN");
    const words = `${time}: ${agencyName(all.get(agency), agency)}: ${say(`status.${status}`)}`;
    if (agency) list.prepend(make("li", { "data-id": event.lastEventId }, words));
    list.querySelector(".none")?.remove();
    while (list.children.length > CHANGES) list.lastChild.remove();
    later();
  };
  return {
    begin() {
      source = new EventSource("/api/events");
      source.onmessage = changed;
      // What lies between is not told any more: the figures are.
      source.addEventListener("lost", later);
    },
    end() {
      source.close();
      clearTimeout(gathered);
      gathered = undefined;
    },
  };
}

function periods() {
  const year = Number(today().slice(0, 4));
  const years = Array.from({ length: YEARS + 1 }, (_, back) => String(year - back));
  return [["", say("last")], ...years.map((n) => [n, say("year", { n })])];
}

/** The view; gives what ends it. */
export async function figures(main, asked) {
  const place = make("div", { id: "figures" }, make("p", { class: "found" }, say("wait")));
  const form = make("form", {
    onsubmit: (event) => {
      event.preventDefault();
      const { period } = Object.fromEntries(new FormData(form));
      location.hash = period ? `#/figures?period=${period}` : "#/figures";
    },
  }, make("div", { class: "fields" }, choice("period", say("period"), periods(), asked.period)),
  make("div", { class: "row" }, make("button", {}, say("show"))));
  const refresh = async () => {
    const open = place.querySelector("details")?.open ?? false;
    try {
      show(place, await figuresOf(asked.period));
      const details = place.querySelector("details");
      if (details) details.open = open;
    } catch (error) {
      show(place, problem(error));
    }
  };
  const list = make("ul", { id: "changes" }, make("li", { class: "none" }, say("liveNone")));
  const live = follow(list, place, refresh);
  let follows = true;
  const steer = make("button", { type: "button", class: "plain",
    onclick: () => {
      follows = !follows;
      if (follows) live.begin();
      else live.end();
      show(steer, say(follows ? "stop" : "resume"));
    } }, say("stop"));
  show(main, [make("h1", {}, say("figuresTitle")),
    make("p", { class: "lead" }, say("figuresLead")), form, place,
    make("section", { class: "card live" }, make("h2", {}, say("live")), list,
      make("div", { class: "row" }, steer))]);
  live.begin();
  await refresh();
  return () => follows && live.end();
}

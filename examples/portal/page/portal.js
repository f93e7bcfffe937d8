// The page: one view at a time, by the address behind `#`, in one of two languages.

import { feedback } from "./feedback.js";
import { figures } from "./figures.js";
import { lookup } from "./lookup.js";
import { search } from "./search.js";
import { say, speak, spoken } from "./words.js";

const VIEWS = { "": search, lookup, figures, feedback };

const main = document.getElementById("main");
const language = document.getElementById("language");

/** What ends the view that stands there. */
let over = () => {};
let turn = 0;

/** Puts the words of the language where the page's own are. */
function spell() {
  document.documentElement.lang = spoken();
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  for (const one of document.querySelectorAll("[data-label]")) {
    one.setAttribute("aria-label", say(one.dataset.label));
  }
  language.textContent = say("other");
  language.lang = spoken() === "en" ? "vi" : "en";
}

async function view(isMove) {
  const mine = ++turn;
  over();
  over = () => {};
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const name = path in VIEWS ? path : "";
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href") === `#/${name}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const shown = VIEWS[name](main, Object.fromEntries(new URLSearchParams(query)));
  document.title = `${say(name || "search")} · ${say("title")}`;
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  // Who moved by keyboard or hears the page is told where they are; at the first view they know.
  if (isMove) heading.focus();
  const end = await shown;
  if (typeof end !== "function") return;
  if (mine === turn) over = end;
  else end();
}

language.addEventListener("click", () => {
  speak(spoken() === "en" ? "vi" : "en");
  spell();
  view(false);
});
addEventListener("hashchange", () => view(true));
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address behind `#` is the view's.
  event.preventDefault();
  main.focus();
});

spell();
view(false);

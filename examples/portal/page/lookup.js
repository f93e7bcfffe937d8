// Shows to whoever filed a dossier where it is.

import { end, problem, send } from "./ask.js";
import { field, make, show } from "./elements.js";
import { hand } from "./feedback.js";
import { dayOf, inWords, say, sortable } from "./words.js";

/** Dates of a dossier, as they follow one another where they are of one day. */
const DATES = [["submitted_at", "submitted"], ["accepted_at", "accepted"], ["due_at", "due"],
  ["hub_due_at", "hubDue"], ["finished_at", "finished"], ["returned_at", "returned"]];

/** The dates that there are, in the order of days. */
function steps(dossier) {
  const all = DATES.filter(([member]) => dossier[member])
    .map(([member, word]) => ({ word, at: dossier[member], day: sortable(dossier[member]) }))
    .sort((one, other) => one.day.localeCompare(other.day));
  return all.map(({ word, at }) =>
    make("li", { class: word === "due" || word === "hubDue" ? "due" : "past" },
      make("b", {}, say(word)), dayOf(at)));
}

/** A dossier as its applicant may see it; `watch` is what they follow it by. */
function shown(dossier, watch) {
  const heading = make("h2", {}, dossier.code);
  const fact = (name, value) =>
    value && make("div", {}, make("dt", {}, say(name)), make("dd", {}, value));
  // The code goes along in memory. Who opens another tab begins there with an empty form.
  const about = make("a", { href: "#/feedback", onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    hand({ agency: dossier.agency.id, dossier: dossier.code });
  } }, say("say"));
  const card = make("article", { class: "card" },
    make("div", { class: "status" }, heading,
      make("span", { class: "badge" }, inWords(dossier.status))),
    make("dl", { class: "facts" }, fact("applicant", dossier.applicant),
      fact("procedure", dossier.procedure && inWords(dossier.procedure)),
      fact("agency", inWords(dossier.agency))),
    make("div", { class: "next" }, make("b", {}, `${say("nextStep")}: `), inWords(dossier, "next")),
    make("ol", { class: "steps" }, steps(dossier)), make("div", { class: "row" }, watch, about));
  return [card, heading];
}

/** Looks a dossier up and follows it, as long as one leaves it shown; gives what is done with it. */
function looking(place, notice) {
  // What it was looked up by, what follows it, and which of several that are asked for is meant.
  let [facts, source, watch, turn] = [undefined, undefined, undefined, 0];
  const failed = (error) => show(notice, problem(error));
  const steer = () => make("button", { type: "button", class: "plain", id: "watch",
    onclick: () => follow().catch(failed) }, say("watch"));
  /** Follows it no more: the hub is told so, for a dossier has few places. */
  const stop = () => {
    turn++;
    source?.close();
    if (watch) end(`/api/watches/${watch}`);
    [source, watch] = [undefined, undefined];
  };
  /** Stops, and offers to begin anew. */
  const rest = (words) => {
    if (!watch) return;
    stop();
    show(notice, words && make("p", {}, words));
    place.querySelector(".row")?.prepend(steer());
  };
  /** Shows the dossier as it is now; who has just asked for it is led to it. */
  const see = async (isAsked) => {
    const mine = turn;
    const { dossier } = await send("/api/lookups", facts);
    if (mine !== turn) return;
    const [card, heading] = shown(dossier, watch ? null : steer());
    const words = !isAsked && say("changed", { status: inWords(dossier.status) });
    show(notice, words && make("p", {}, words));
    show(place, card, isAsked ? heading : undefined);
  };
  /** Tells of every change from now on. */
  const follow = async () => {
    const mine = ++turn;
    const made = await send("/api/watches", facts);
    // Who has left meanwhile does not follow it.
    if (mine !== turn) return end(`/api/watches/${made.watch}`);
    watch = made.watch;
    source = new EventSource(`/api/events?${new URLSearchParams({ watch, after: made.after })}`);
    source.onmessage = () => see(false).catch(failed);
    // A browser comes again by itself, unless it was told that there is nothing to follow.
    source.onerror = ({ target }) => {
      if (target.readyState === EventSource.CLOSED) rest(say("unwatched"));
    };
    document.getElementById("watch")?.remove();
    show(notice, make("p", {}, say("watching")));
  };
  return { stop, rest, async begin(asked) {
    stop();
    facts = asked;
    show(notice);
    show(place);
    await see(true);
  } };
}

/** The view: two facts, and what they show. Neither goes into the page's address. */
export function lookup(main) {
  const place = make("div", { id: "dossier", "aria-live": "polite" });
  const button = make("button", {}, say("see"));
  const notice = make("div", { id: "notice", role: "status" });
  const { begin, rest, stop } = looking(place, notice);
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled")) return;
      button.setAttribute("aria-disabled", "true");
      const said = new FormData(form);
      try {
        await begin({ code: said.get("code").trim(), secret: said.get("secret").trim() });
      } catch (error) {
        show(place, problem(error));
      }
      button.removeAttribute("aria-disabled");
    },
  },
  make("div", { class: "fields" },
    field("code", say("dossier"), make("input", { required: true, maxlength: 2000,
      autocomplete: "off", spellcheck: "false", autocapitalize: "characters" }), say("dossierHint")),
    field("secret", say("secret"), make("input", { required: true, maxlength: 64,
      autocomplete: "off", spellcheck: "false" }), say("secretHint"))),
  make("div", { class: "row" }, button));
  show(main, [make("h1", {}, say("lookupTitle")), make("p", { class: "lead" }, say("lookupLead")),
    form, notice, place]);
  // A browser may keep a page that was left, and show it again: then it offers to follow anew.
  const hidden = () => rest("");
  addEventListener("pagehide", hidden);
  return () => {
    removeEventListener("pagehide", hidden);
    stop();
  };
}

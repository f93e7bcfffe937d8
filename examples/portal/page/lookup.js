// Shows to whoever filed a dossier where it is.

import { problem, send } from "./ask.js";
import { field, make, show } from "./elements.js";
import { dayOf, inWords, say } from "./words.js";

const DATES = [["submitted_at", "submitted"], ["accepted_at", "accepted"], ["due_at", "due"],
  ["hub_due_at", "hubDue"], ["finished_at", "finished"], ["returned_at", "returned"]];

/** A dossier as its applicant may see it; `watch` is what they follow it by. */
function shown(dossier, watch) {
  const heading = make("h2", {}, dossier.code);
  const fact = (name, value) =>
    value && make("div", {}, make("dt", {}, say(name)), make("dd", {}, value));
  const steps = DATES.filter(([member]) => dossier[member]).map(([member, word]) =>
    make("li", { class: word === "due" || word === "hubDue" ? "due" : "past" },
      make("b", {}, say(word)), dayOf(dossier[member])));
  const card = make("article", { class: "card" },
    make("div", { class: "status" }, heading,
      make("span", { class: "badge" }, inWords(dossier.status))),
    make("dl", { class: "facts" }, fact("applicant", dossier.applicant),
      fact("procedure", dossier.procedure && inWords(dossier.procedure)),
      fact("agency", inWords(dossier.agency))),
    make("div", { class: "next" }, make("b", {}, `${say("nextStep")}: `), inWords(dossier, "next")),
    make("ol", { class: "steps" }, steps),
    make("div", { class: "row" }, watch, make("a", {
      href: `#/feedback?${new URLSearchParams({ agency: dossier.agency.id, dossier: dossier.code })}`,
    }, say("say"))));
  return [card, heading];
}

/** The view: two facts, and what they show. Neither goes into the page's address. */
export function lookup(main) {
  let source;
  const stop = () => source?.close();
  const place = make("div", { id: "dossier", "aria-live": "polite" });
  const button = make("button", {}, say("see"));
  const notice = make("p", { id: "notice", role: "status" });
  /** Shows the dossier as it is now; who has just asked for it is led to it. */
  const see = async (facts, asked) => {
    const { dossier } = await send("/api/lookups", facts);
    const [card, heading] = shown(dossier, source?.readyState < EventSource.CLOSED ? null
      : make("button", { type: "button", class: "plain", id: "watch",
        onclick: () => follow(facts).catch((error) => show(place, problem(error))) }, say("watch")));
    if (asked) show(notice);
    show(place, card, asked ? heading : undefined);
    return dossier;
  };
  /** Tells of every change from now on, as long as the page is open. */
  const follow = async (facts) => {
    const { watch, after } = await send("/api/watches", facts);
    stop();
    source = new EventSource(`/api/events?${new URLSearchParams({ watch, after })}`);
    source.onmessage = async () => {
      const dossier = await see(facts, false);
      show(notice, say("changed", { status: inWords(dossier.status) }));
    };
    document.getElementById("watch")?.remove();
    show(notice, say("watching"));
  };
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled")) return;
      button.setAttribute("aria-disabled", "true");
      const said = new FormData(form);
      const facts = { code: said.get("code").trim(), secret: said.get("secret").trim() };
      stop();
      try {
        await see(facts, true);
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
  return stop;
}

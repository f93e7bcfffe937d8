// Shows to whoever filed a dossier where it is.

import { problem, send } from "./ask.js";
import { field, make, show } from "./elements.js";
import { dayOf, inWords, say } from "./words.js";

const DATES = [["submitted_at", "submitted"], ["accepted_at", "accepted"], ["due_at", "due"],
  ["hub_due_at", "hubDue"], ["finished_at", "finished"], ["returned_at", "returned"]];

/** A dossier as its applicant may see it. */
function shown(dossier) {
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
    make("p", {}, make("a", {
      href: `#/feedback?${new URLSearchParams({ agency: dossier.agency.id, dossier: dossier.code })}`,
    }, say("say"))));
  return [card, heading];
}

/** The view: two facts, and what they show. Neither goes into the page's address. */
export function lookup(main) {
  const place = make("div", { id: "dossier", "aria-live": "polite" });
  const button = make("button", {}, say("see"));
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled")) return;
      button.setAttribute("aria-disabled", "true");
      const { code, secret } = Object.fromEntries(new FormData(form));
      try {
        const { dossier } = await send("/api/lookups", { code: code.trim(), secret: secret.trim() });
        const [card, heading] = shown(dossier);
        show(place, card, heading);
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
    form, place]);
}

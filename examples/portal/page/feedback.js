// Takes what a citizen has to say to an agency.

import { agencies, agencyName, problem, Refused, send } from "./ask.js";
import { choice, field, make, show } from "./elements.js";
import { say } from "./words.js";

/** What another view has to say of what feedback is about: it is for no address, which others see. */
let handed = {};

export const hand = (about) => {
  handed = about;
};

/** A name for what is about to be sent: sent twice under one name, it is there once. */
const named = () => [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, "0")).join("");

function stars() {
  return make("fieldset", { class: "whole" }, make("legend", {}, say("rating")),
    make("div", { class: "stars" }, [1, 2, 3, 4, 5].map((n) => make("label", {},
      make("input", { type: "radio", name: "rating", value: n }), say(`stars.${n}`)))));
}

function fields(all, asked) {
  const list = [["", say("choose")], ...[...all].map(([id, one]) => [id, agencyName(one, id)])];
  return make("div", { class: "fields" },
    choice("agency", say("about"), list, asked.agency, { required: true }),
    field("about", say("about2"), make("input", { name: "dossier", maxlength: 128,
      value: asked.dossier ?? "", autocomplete: "off" })),
    stars(),
    make("div", { class: "whole" }, field("text", say("text"),
      make("textarea", { maxlength: 8000 }), say("textHint"))),
    field("name", say("name"), make("input", { maxlength: 200, autocomplete: "name" })),
    field("phone", say("phone"), make("input", { type: "tel", inputmode: "numeric",
      pattern: "[0-9]{3,15}", title: `${say("phone")}: ${say("fault.phone")}`, autocomplete: "tel-national" }),
    say("phoneHint")));
}

/** What the form says, without what was left empty. */
function written(form) {
  const said = Object.fromEntries([...new FormData(form)]
    .map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
  if (said.rating) said.rating = Number(said.rating);
  return said;
}

/** Forgets what was handed on, unless this view is shown anew, in the other language. */
const forget = () => {
  if (!/^#\/feedback(\?|$)/.test(location.hash)) handed = {};
};

/** The view: a form, and thanks; gives what ends it. */
export async function feedback(main, asked) {
  const heading = make("h1", {}, say("feedbackTitle"));
  const lead = make("p", { class: "lead" }, say("feedbackLead"));
  const body = make("div", {}, make("p", {}, say("wait")));
  show(main, [heading, lead, body]);
  let all;
  try {
    all = await agencies();
  } catch (error) {
    show(body, problem(error));
    return forget;
  }
  const place = make("div", { "aria-live": "polite" });
  const button = make("button", {}, say("send"));
  let [sent, name] = ["", ""];
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled")) return;
      show(place);
      const said = written(form);
      if (!said.rating && !said.text) {
        show(place, problem(new Refused(422, { code: "nothing-said" })));
        return;
      }
      button.setAttribute("aria-disabled", "true");
      // What is sent again as it was has its name; what was changed is another feedback.
      const text = JSON.stringify(said);
      if (text !== sent) [sent, name] = [text, named()];
      try {
        const receipt = await send("/api/feedback", { ...said, key: name });
        handed = {};
        const thanks = make("h2", {}, say("sent"));
        show(body, make("div", { class: "card problem done" }, thanks,
          make("p", {}, say("sentMore", { id: receipt.id })),
          make("p", {}, make("button", { type: "button", class: "plain",
            onclick: () => feedback(main, {}) }, say("again")))), thanks);
      } catch (error) {
        show(place, problem(error));
        button.removeAttribute("aria-disabled");
      }
    },
  }, fields(all, { ...asked, ...handed }), place, make("div", { class: "row" }, button));
  show(body, form);
  return forget;
}

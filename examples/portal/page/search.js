// Finds a procedure, and leads to where it is filed.

import { ask, agencies, agencyName, problem } from "./ask.js";
import { choice, field, make, show } from "./elements.js";
import { count, inWords, say } from "./words.js";

const PAGE = 10;

/** The address of a procedure's online service, where the catalogue tells one. */
function service(item) {
  const address = item.service_url;
  return address && /^https?:\/\//.test(address) ? address : undefined;
}

const fact = (name, value) =>
  value && make("div", {}, make("dt", {}, name), make("dd", {}, value));

function limit(deadline) {
  if (!deadline) return say("noLimit");
  return say(`${deadline.value === 1 ? "one" : "unit"}.${deadline.unit}`, { n: deadline.value });
}

/** One procedure, as a card. */
function card(item, all) {
  const { procedure } = item;
  const known = all.get(procedure.agency);
  const agency = known ? agencyName(known) : item.agency_name;
  const address = service(item);
  const fee = procedure.fee === 0 ? say("free") : procedure.fee && `${count(procedure.fee)} ₫`;
  return make("li", {},
    make("h2", {}, procedure.name),
    make("dl", { class: "facts" },
      fact(say("procedureCode"), procedure.code ?? procedure.source_code),
      fact(say("agency"), agency), fact(say("field"), procedure.field),
      fact(say("limit"), limit(procedure.deadline)), fact(say("fee"), fee)),
    make("div", { class: "row" },
      item.online_level && make("span", { class: "badge" }, say(`level.${item.online_level.level}`)),
      address
        ? make("a", { class: "button", href: address, rel: "noreferrer",
            "aria-label": say("goTo", { name: procedure.name }) }, say("go"))
        : make("span", { class: "hint" }, say("counter", { agency })),
      make("a", { href: `#/feedback?agency=${encodeURIComponent(procedure.agency)}`,
        "aria-label": say("sayTo", { name: agency }) }, say("say"))),
    procedure.legal_basis?.length > 0 && make("details", {},
      make("summary", {}, say("basis")),
      make("ul", {}, procedure.legal_basis.map((one) => make("li", {}, one)))));
}

const address = (asked) => `#/?${new URLSearchParams(asked)}`;

function suggested(told, asked) {
  const words = told.suggestions?.map((one) => make("a",
    { href: address({ ...asked, q: one.q }) }, `${one.q} (${count(one.total)})`));
  return make("div", { class: "card empty" }, make("p", {}, say("none")),
    words?.length > 0 && make("p", {}, say("meant"), words.flatMap((one) => [" ", one])));
}

/** What is found, page by page. */
async function results(place, asked) {
  show(place, make("p", { class: "found" }, say("wait")));
  const [all, { told, next }] =
    await Promise.all([agencies(), ask("/api/procedures", { ...asked, limit: PAGE })]);
  const cards = (items) => items.map((item) => card(item, all));
  if (!told.total) return show(place, suggested(told, asked));
  const list = make("ul", { class: "list" }, cards(told.items));
  const more = make("div", { class: "row" });
  const follow = (next) => show(more, next && make("button", {
    type: "button", class: "plain",
    onclick: async () => {
      try {
        const page = await ask(next);
        const added = cards(page.told.items);
        list.append(...added);
        follow(page.next);
        const first = added[0]?.querySelector("h2");
        if (first) show(first, [...first.childNodes], first);
      } catch (error) {
        show(more, problem(error));
      }
    },
  }, say("more")));
  follow(next);
  const found = say("found", { n: count(told.total) });
  return show(place, [make("p", { class: "found" }, found), list, make("br"), more]);
}

/** The view: a form, and what it finds. */
export async function search(main, asked) {
  const place = make("div", { role: "status", id: "results" });
  const names = make("div", {}, choice("agency", say("agency"), [["", say("anyAgency")]]));
  const form = make("form", {
    role: "search",
    onsubmit: (event) => {
      event.preventDefault();
      const told = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
      if (location.hash === address(told)) results(place, told).catch(failed);
      else location.hash = address(told);
    },
  },
  make("div", { class: "fields" },
    field("q", say("q"), make("input", { type: "search", maxlength: 200, value: asked.q ?? "",
      autocomplete: "off", enterkeyhint: "search" }), say("begin")), names),
  make("div", { class: "row" }, make("button", {}, say("find"))));
  const failed = (error) => show(place, problem(error));
  const heading = make("h1", {}, say("searchTitle"));
  show(main, [heading, make("p", { class: "lead" }, say("searchLead")), form, place]);
  const filled = agencies().then((all) => show(names, choice("agency", say("agency"),
    [["", say("anyAgency")], ...[...all].map(([id, one]) => [id, agencyName(one, id)])],
    asked.agency)));
  await Promise.all([filled, asked.q || asked.agency ? results(place, asked) : undefined])
    .catch(failed);
}

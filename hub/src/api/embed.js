// Liên Thông: shows procedures on a page of somebody else's. For each
//   <div data-lien-thong-procedure="1.009001" data-lien-thong-agency="so-y-te"></div>
// it asks the hub, and writes what it is told as text: never as markup. No cookies, no styles.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) return;
  const base = new URL(".", script.src);
  const WORDS = {
    vi: {
      agency: "Cơ quan thực hiện", limit: "Thời hạn giải quyết", fee: "Phí, lệ phí",
      go: "Đến dịch vụ trực tuyến", failed: "Chưa tải được thông tin thủ tục.",
      none: "Không tìm thấy thủ tục này.", currency: "đồng", free: "Không thu",
      units: { working_days: "ngày làm việc", calendar_days: "ngày",
        working_hours: "giờ làm việc", none: "Không quy định" },
    },
    en: {
      agency: "Agency", limit: "Time limit", fee: "Fees",
      go: "Go to the online service", failed: "The procedure could not be loaded.",
      none: "There is no such procedure.", currency: "VND", free: "None",
      units: { working_days: "working days", calendar_days: "days",
        working_hours: "working hours", none: "None is set" },
    },
  };
  const list = (value) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
  const add = (parent, tag, name, text) => {
    const element = document.createElement(tag);
    element.className = "lien-thong-" + name;
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const web = (text) => {
    try {
      const url = new URL(text);
      return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
    } catch {
      return null;
    }
  };
  const row = (rows, term, texts) => {
    if (!texts.length) return;
    add(rows, "dt", "term", term);
    for (const text of texts) add(rows, "dd", "value", text);
  };
  const fee = (offer, words, lang) => {
    const price = Number(offer.price);
    const amount = price ? price.toLocaleString(lang) + " " + words.currency : words.free;
    return offer.name ? offer.name + ": " + amount : amount;
  };
  const show = (place, service, words, lang) => {
    const block = add(place, "div", "procedure");
    const name = add(block, "p", "name");
    name.lang = "vi";
    add(name, "strong", "title", service.name);
    const rows = add(block, "dl", "facts");
    const provider = service.provider || {};
    const agency = lang === "en" ? provider.alternateName || provider.name : provider.name;
    row(rows, words.agency, agency ? [agency] : []);
    const limit = service["lt:deadline"];
    if (limit) {
      const unit = words.units[limit["lt:unit"]] || "";
      const none = limit["lt:unit"] === "none";
      row(rows, words.limit, [none ? unit : limit["lt:value"] + " " + unit]);
    }
    row(rows, words.fee, list(service.offers).map((offer) => fee(offer, words, lang)));
    const channels = list(service.availableChannel);
    const url = channels.map((one) => web(one.serviceUrl)).find(Boolean);
    if (url) {
      const link = add(add(block, "p", "action"), "a", "link", words.go);
      link.href = url;
      link.rel = "noopener";
      link.setAttribute("aria-label", words.go + ": " + service.name);
    }
  };
  const fill = async (place) => {
    const code = place.dataset.lienThongProcedure;
    const agency = place.dataset.lienThongAgency;
    const lang = (place.lang || document.documentElement.lang || "vi").startsWith("en")
      ? "en" : "vi";
    const words = WORDS[lang];
    place.replaceChildren();
    place.lang = lang;
    try {
      const url = new URL("procedures/" + encodeURIComponent(code), base);
      if (agency) url.searchParams.set("agency", agency);
      const answer = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
      if (!answer.ok) {
        const text = answer.status === 404 ? words.none : words.failed;
        add(place, "p", "failed", text).setAttribute("role", "status");
        return;
      }
      const told = await answer.json();
      for (const service of list(told["@graph"])) show(place, service, words, lang);
    } catch {
      add(place, "p", "failed", words.failed).setAttribute("role", "status");
    }
  };
  const start = () =>
    document.querySelectorAll("[data-lien-thong-procedure]").forEach((place) => fill(place));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();

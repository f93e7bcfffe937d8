// Asks the portal's server, and says in plain words what went wrong.

import { make } from "./elements.js";
import { inWords, say, spoken } from "./words.js";

/** What an answer said that is no success. */
export class Refused extends Error {
  constructor(status, told, headers) {
    super(told.code ?? String(status));
    this.status = status;
    this.told = told;
    this.wait = Number(headers?.get("retry-after")) || 0;
    this.request = headers?.get("x-request-id") ?? "";
  }
}

// For citizens: what the hub's own words, which are for who programs, would not tell them. A `{wait}`
// is how long.
const PLAIN = {
  vi: {
    "lookup-failed": ["Không tìm thấy hồ sơ với mã và thông tin này.",
      "Xem lại mã trên giấy hẹn và bốn ký tự cuối; nếu vẫn không được, hỏi nơi đã nộp."],
    "too-many-lookups": ["Đã tra cứu quá nhiều lần.", "Hãy thử lại sau {wait}."],
    "too-often": ["Đã gửi quá nhiều lần.", "Hãy thử lại sau {wait}."],
    "too-many-watches": ["Đã có quá nhiều lượt theo dõi, chưa thể thêm lượt của bạn.",
      "Bạn vẫn tra cứu được như thường; hãy thử theo dõi lại vào ngày mai."],
    "nothing-said": ["Góp ý còn trống.", "Hãy chọn mức hài lòng hoặc viết nội dung, một trong hai."],
    conflict: ["Góp ý này đã được gửi với nội dung khác.", "Hãy tải lại trang rồi gửi góp ý mới."],
    "bad-lookup": ["Chưa đọc được mã hồ sơ hoặc thông tin xác nhận.",
      "Mã dài tối đa 2.000 ký tự, thông tin xác nhận tối đa 64 ký tự."],
    "catalogue-changed": ["Danh mục thủ tục vừa được cập nhật.", "Hãy tìm lại từ đầu."],
    "no-catalogue": ["Danh mục thủ tục chưa được công bố.", "Hãy quay lại sau."],
    "hub-unreachable": ["Hệ thống đang tạm ngừng.", "Hãy thử lại sau ít phút."],
    "no-connection": ["Không kết nối được.", "Kiểm tra mạng của bạn rồi thử lại."],
    400: ["Có điều chưa đúng trong yêu cầu.", ""],
    404: ["Không tìm thấy.", "Có thể nó đã thay đổi; hãy tìm lại từ đầu."],
    409: ["Lúc này chưa thực hiện được.", "Hãy tải lại trang rồi thử lại."],
    413: ["Nội dung quá dài.", "Hãy viết ngắn hơn."],
    422: ["Có ô chưa đúng.", ""],
    429: ["Có quá nhiều người đang dùng.", "Hãy thử lại sau {wait}."],
    500: ["Hệ thống đang gặp trục trặc.", "Hãy thử lại sau {wait}."],
  },
  en: {
    "lookup-failed": ["There is no dossier with this code and secret.",
      "Check the code on the receipt and the last four characters; else ask where you filed it."],
    "too-many-lookups": ["Too many look-ups.", "Please try again in {wait}."],
    "too-often": ["Sent too often.", "Please try again in {wait}."],
    "too-many-watches": ["Too many are following already, so yours cannot be added.",
      "You can still look it up as usual; please try to follow it again tomorrow."],
    "nothing-said": ["The feedback is empty.", "Please choose a rating or write something."],
    conflict: ["This feedback was sent with other content.", "Reload the page and send a new one."],
    "bad-lookup": ["The code or the secret cannot be read.",
      "A code has at most 2,000 characters, a secret at most 64."],
    "catalogue-changed": ["The list of procedures has just changed.", "Please search again."],
    "no-catalogue": ["The list of procedures is not published yet.", "Please come back later."],
    "hub-unreachable": ["The system is down for the moment.", "Please try again in a few minutes."],
    "no-connection": ["There is no connection.", "Check your network and try again."],
    400: ["Something in the question is not right.", ""],
    404: ["Not found.", "It may have changed; please search again."],
    409: ["This cannot be done at the moment.", "Reload the page and try again."],
    413: ["That is too long.", "Please write less."],
    422: ["A field is not right.", ""],
    429: ["Too many people are using this.", "Please try again in {wait}."],
    500: ["The system has a problem.", "Please try again in {wait}."],
  },
};

function waiting(seconds) {
  const minutes = Math.ceil(seconds / 60);
  const [value, unit] = seconds && seconds < 60 ? [seconds, "second"] : [minutes || 1, "minute"];
  const locale = spoken() === "en" ? "en-GB" : "vi-VN";
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** Fields of the form, as the contract of feedback names them. */
const FIELDS = { agency: "agency", dossier: "about2", rating: "rating", text: "text", name: "name",
  phone: "phone" };

/** What is wrong with which field, where the hub tells it: each has one rule that may be broken. */
function faults(told) {
  const all = (told.receipt?.refusals ?? []).flatMap((refusal) => refusal.problems ?? []);
  const members = all.map(({ pointer }) => pointer?.split("/")[1]).filter((one) => FIELDS[one]);
  return [...new Set(members)].map((member) =>
    make("li", {}, `${say(FIELDS[member]).replace(" *", "")}: ${say(`fault.${member}`)}`));
}

/** What went wrong, as an element that is read out. */
export function problem(error) {
  const refused = error instanceof Refused ? error : new Refused(0, { code: "no-connection" });
  if (!(error instanceof Refused)) console.error(error);
  const words = PLAIN[spoken()];
  const { status, told } = refused;
  const [what, advice] = words[told.code] ?? words[status] ?? words[status >= 500 ? 500 : 400];
  // Of what a field should be, the hub knows more than this page.
  const detail = status === 400 ? `${inWords(told, "detail")} ${inWords(told, "advice")}`.trim() : "";
  const wrong = status === 422 ? faults(told) : [];
  const marks = [told.code && `${say("code")}: ${told.code}`,
    refused.request && `${say("request")}: ${refused.request}`].filter(Boolean).join(", ");
  return make("div", { class: "problem", role: "alert", "data-code": told.code },
    make("b", {}, what), make("p", {}, advice.replace("{wait}", waiting(refused.wait)) || detail),
    wrong.length > 0 && make("ul", {}, wrong),
    make("p", {}, make("small", {}, marks)));
}

async function answered(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Refused(0, { code: "no-connection" });
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told, answer.headers);
  return { told, next: /<([^>]*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1] };
}

/** A question; what it says, and where its next page is. */
export const ask = (address, asked = {}) => {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  return answered(query.size ? `${address}?${query}` : address);
};

/** Sends JSON; what is answered. */
export const send = async (address, body) => (await answered(address, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
})).told;

/** Has something ended, even while the page is being closed; nobody waits for the answer. */
export const end = (address) => {
  fetch(address, { method: "DELETE", keepalive: true }).catch(() => {});
};

let agenciesKnown;

/** The agencies that stand today, by id; asked for once. */
export function agencies() {
  agenciesKnown ??= (async () => {
    const all = new Map();
    for (let next = "/api/agencies?limit=100"; next;) {
      const page = await ask(next);
      for (const { agency } of page.told.items) {
        if (!all.has(agency.id)) all.set(agency.id, agency);
      }
      next = page.next;
    }
    return all;
  })().catch((error) => {
    agenciesKnown = undefined;
    throw error;
  });
  return agenciesKnown;
}

export const agencyName = (agency, id) => (agency ? inWords({ name: agency.name_vi, ...agency }) : id);

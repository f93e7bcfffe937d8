// What the page says, in both languages. Vietnamese is the page's own.

const WORDS = {
  vi: {
    title: "Dịch vụ công Đồng Nai", other: "English", skip: "Đến nội dung", navigation: "Chính",
    brand: "Dịch vụ công Đồng Nai", example: "Trang mẫu trên giao diện Liên Thông",
    search: "Tìm thủ tục", lookup: "Tra cứu hồ sơ", figures: "Đúng hạn", feedback: "Góp ý",
    footer: "Trang mẫu: mọi thứ hiển thị lấy qua giao diện công khai của Liên Thông.",
    wait: "Đang tải…", code: "Mã lỗi", request: "mã lần gọi",

    searchTitle: "Bạn cần làm thủ tục gì?",
    searchLead: "Gõ tên thủ tục, có dấu hay không dấu đều được; hoặc mã thủ tục.",
    q: "Tên hoặc mã thủ tục", agency: "Cơ quan", anyAgency: "Mọi cơ quan", find: "Tìm",
    found: "Tìm thấy {n} thủ tục.", none: "Không tìm thấy thủ tục nào.",
    meant: "Có phải bạn tìm:", more: "Xem thêm", begin: "Thử: khai sinh, giấy phép xây dựng, lái xe.",
    procedureCode: "Mã", field: "Lĩnh vực", limit: "Thời hạn giải quyết",
    fee: "Phí, lệ phí", online: "Trực tuyến",
    free: "không", basis: "Căn cứ pháp lý", noLimit: "chưa có thông tin",
    go: "Đến trang nộp hồ sơ", goTo: "Đến trang nộp hồ sơ: {name} (mở trang của cơ quan)",
    counter: "Chưa có liên kết nộp trực tuyến: nộp tại bộ phận một cửa của {agency}.",
    say: "Góp ý về cơ quan này", sayTo: "Góp ý về cơ quan này: {name}",
    unit: { working_days: "{n} ngày làm việc", calendar_days: "{n} ngày",
      working_hours: "{n} giờ làm việc", none: "không có" },
    one: { working_days: "1 ngày làm việc", calendar_days: "1 ngày",
      working_hours: "1 giờ làm việc", none: "không có" },
    level: { 1: "Mức độ 1", 2: "Mức độ 2", 3: "Mức độ 3", 4: "Mức độ 4",
      information: "Chỉ có thông tin", partial: "Trực tuyến một phần",
      full: "Trực tuyến toàn trình" },

    lookupTitle: "Hồ sơ của tôi đến đâu?",
    lookupLead: "Cần mã hồ sơ và bốn ký tự cuối của số điện thoại hoặc giấy tờ đã khai. " +
      "Quét mã QR trên giấy hẹn cũng được.",
    dossier: "Mã hồ sơ", dossierHint: "Ví dụ: BH.HKD.13.002201",
    secret: "Bốn ký tự cuối của số điện thoại hoặc giấy tờ",
    secretHint: "Hoặc mã bí mật in trên giấy hẹn. Trang này không lưu lại.",
    see: "Tra cứu", applicant: "Người nộp", procedure: "Thủ tục", nextStep: "Việc tiếp theo",
    submitted: "Đã nộp", accepted: "Đã tiếp nhận", due: "Ngày hẹn trả kết quả",
    hubDue: "Hạn theo quy định", finished: "Có kết quả", returned: "Đã trả kết quả",
    watch: "Báo khi có thay đổi", changed: "Hồ sơ vừa thay đổi: {status}.",
    watching: "Khi hồ sơ thay đổi, trang này báo ngay, chừng nào còn mở, tối đa một ngày.",
    unwatched: "Trang này thôi theo dõi hồ sơ. Muốn theo dõi tiếp, hãy bấm lại nút ở dưới.",

    figuresTitle: "Các cơ quan có đúng hạn không?",
    figuresLead: "Số hồ sơ đã giải quyết xong, theo hạn mà cơ quan đã hẹn.",
    period: "Khoảng thời gian", year: "Năm {n}", last: "12 tháng qua", show: "Xem",
    early: "Trước hạn", onTime: "Đúng hạn", late: "Trễ hạn", all: "Đã giải quyết",
    open: "Đang giải quyết", overdue: "Đang quá hạn", share: "Đúng và trước hạn",
    asTable: "Bảng số liệu", few: "không nêu, để không lộ số của quá ít hồ sơ",
    left: "Có số không nêu (…), để không lộ số của quá ít hồ sơ: dưới {n}.",
    chart: "Tỷ lệ hồ sơ trước hạn, đúng hạn và trễ hạn của {n} cơ quan; số liệu ở bảng bên dưới.",
    caption: "Hồ sơ từ {from} đến {to}", noFigures: "Không có hồ sơ nào trong thời gian này.",
    live: "Thay đổi vừa nhận", liveNone: "Chưa có thay đổi nào từ lúc mở trang.",
    stop: "Dừng cập nhật", resume: "Tiếp tục cập nhật",
    status: { 1: "mới nộp", 2: "được tiếp nhận", 3: "không được tiếp nhận", 4: "đang xử lý",
      5: "cần bổ sung", 6: "chờ nghĩa vụ tài chính", 7: "công dân rút", 8: "dừng xử lý",
      9: "có kết quả", 10: "đã trả kết quả" },

    feedbackTitle: "Góp ý cho cơ quan",
    feedbackLead: "Góp ý được chuyển tới chính cơ quan đó. Chọn cơ quan, rồi chọn mức hài lòng " +
      "hoặc viết nội dung.",
    about: "Cơ quan *", choose: "Chọn cơ quan", rating: "Bạn hài lòng đến đâu?",
    stars: { 1: "1: rất kém", 2: "2: kém", 3: "3: được", 4: "4: tốt", 5: "5: rất tốt" },
    text: "Nội dung", textHint: "Đừng ghi số giấy tờ hay thông tin của người khác.",
    name: "Họ tên", phone: "Số điện thoại để trả lời", phoneHint: "Chỉ chữ số.",
    about2: "Mã hồ sơ, nếu có", send: "Gửi góp ý", sent: "Đã gửi. Cảm ơn bạn đã góp ý.",
    sentMore: "Mã góp ý: {id}. Cơ quan có thể liên hệ nếu bạn để lại số điện thoại.",
    again: "Gửi góp ý khác",
    fault: { agency: "hãy chọn một cơ quan trong danh sách.", dossier: "dài tối đa 128 ký tự.",
      rating: "hãy chọn từ 1 đến 5.", text: "dài tối đa 8.000 ký tự.",
      name: "dài tối đa 1.000 ký tự.", phone: "chỉ gồm 3 đến 15 chữ số." },
  },
  en: {
    title: "Dong Nai Public Services", other: "Tiếng Việt", skip: "Skip to content",
    navigation: "Main", brand: "Dong Nai Public Services",
    example: "An example on the Liên Thông interface",
    search: "Find a procedure", lookup: "My dossier", figures: "On time", feedback: "Feedback",
    footer: "An example: all that is shown comes over the public interface of Liên Thông.",
    wait: "Loading…", code: "Code", request: "request",

    searchTitle: "What do you need to get done?",
    searchLead: "Type a procedure's name in Vietnamese, with or without accents, or its code.",
    q: "Name or code of a procedure", agency: "Agency", anyAgency: "Any agency", find: "Search",
    found: "{n} procedures found.", none: "No procedure was found.",
    meant: "Did you mean:", more: "Show more", begin: "Try: khai sinh (birth), xây dựng (building).",
    procedureCode: "Code", field: "Field", limit: "Time limit", fee: "Fees", online: "Online",
    free: "none", basis: "Legal basis", noLimit: "not known",
    go: "Go to the service", goTo: "Go to the service: {name} (opens the agency's page)",
    counter: "No online service is known: file it at the one-stop office of {agency}.",
    say: "Feedback on this agency", sayTo: "Feedback on this agency: {name}",
    unit: { working_days: "{n} working days", calendar_days: "{n} days",
      working_hours: "{n} working hours", none: "none" },
    one: { working_days: "1 working day", calendar_days: "1 day",
      working_hours: "1 working hour", none: "none" },
    level: { 1: "Level 1", 2: "Level 2", 3: "Level 3", 4: "Level 4",
      information: "Information only", partial: "Partly online", full: "Fully online" },

    lookupTitle: "Where is my dossier?",
    lookupLead: "You need the dossier's code and the last four characters of the telephone or " +
      "identity number that you gave. The receipt's QR text will do as the code.",
    dossier: "Dossier code", dossierHint: "Such as BH.HKD.13.002201",
    secret: "Last four characters of telephone or identity number",
    secretHint: "Or the secret printed on the receipt. This page does not keep it.",
    see: "Look up", applicant: "Applicant", procedure: "Procedure", nextStep: "What comes next",
    submitted: "Submitted", accepted: "Accepted", due: "Promised by the agency",
    hubDue: "Due by regulation", finished: "Result ready", returned: "Handed over",
    watch: "Tell me when it changes", changed: "The dossier has changed: {status}.",
    watching: "This page tells of every change at once, as long as it is open, for a day at most.",
    unwatched: "This page follows the dossier no more. To go on, press the button below again.",

    figuresTitle: "Are agencies on time?",
    figuresLead: "Dossiers finished, by the date that the agency had promised.",
    period: "Period", year: "Year {n}", last: "Last 12 months", show: "Show",
    early: "Early", onTime: "On time", late: "Late", all: "Finished",
    open: "Open", overdue: "Overdue", share: "On time or early",
    asTable: "Table of the figures", few: "not shown, so as not to reveal numbers of too few",
    left: "Some numbers are not shown (…), so as not to reveal those of too few dossiers: " +
      "fewer than {n}.",
    chart: "Shares of early, on-time and late dossiers of {n} agencies; the table below has them.",
    caption: "Dossiers from {from} to {to}", noFigures: "There are no dossiers in this period.",
    live: "Changes just received", liveNone: "Nothing has changed since this page was opened.",
    stop: "Pause updates", resume: "Go on updating",
    status: { 1: "submitted", 2: "accepted", 3: "not accepted", 4: "in progress",
      5: "needs more papers", 6: "waits for payment", 7: "withdrawn", 8: "stopped",
      9: "result ready", 10: "handed over" },

    feedbackTitle: "Feedback to an agency",
    feedbackLead: "It goes to that very agency. Choose the agency, and a rating or write something.",
    about: "Agency *", choose: "Choose an agency", rating: "How satisfied are you?",
    stars: { 1: "1: very bad", 2: "2: bad", 3: "3: fair", 4: "4: good", 5: "5: very good" },
    text: "What you want to say", textHint: "No identity numbers, and nothing about other people.",
    name: "Your name", phone: "Telephone for an answer", phoneHint: "Digits only.",
    about2: "Dossier code, if there is one", send: "Send feedback",
    sent: "Sent. Thank you for your feedback.",
    sentMore: "Feedback {id}. The agency may contact you if you left a telephone number.",
    again: "Send another",
    fault: { agency: "please choose an agency of the list.", dossier: "128 characters at most.",
      rating: "please choose 1 to 5.", text: "8,000 characters at most.",
      name: "1,000 characters at most.", phone: "3 to 15 digits, and nothing else." },
  },
};

const KEPT = "portal-language";
let language = localStorage.getItem(KEPT) === "en" ? "en" : "vi";

export const spoken = () => language;

export function speak(other) {
  language = other;
  localStorage.setItem(KEPT, other);
}

/** What the page says under a name such as "found" or "unit.none", with values put in. */
export function say(name, values = {}) {
  const found = name.split(".").reduce((words, part) => words?.[part], WORDS[language]) ?? "";
  return found.replace(/\{(\w+)\}/g, (_, value) => values[value] ?? "");
}

/** A value that the hub gives in both languages, as `name` and `name_en`. */
export const inWords = (of, member = "name") =>
  (language === "en" && of[`${member}_en`]) || of[member] || "";

const FORM = { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "Asia/Ho_Chi_Minh" };

/** A day, or a moment's day in Vietnam, as people write it. */
export function dayOf(moment) {
  const at = new Date(moment.length === 10 ? `${moment}T12:00:00+07:00` : moment);
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "vi-VN", FORM).format(at);
}

/** The same day as YYYY-MM-DD: these sort as days do. */
export const sortable = (moment) => (moment.length === 10 ? moment
  : new Intl.DateTimeFormat("en-CA", { timeZone: FORM.timeZone }).format(new Date(moment)));

export const count = (number) =>
  new Intl.NumberFormat(language === "en" ? "en-GB" : "vi-VN").format(number);

//! What a column without a name is likely to be, by what stands in it.

use std::collections::BTreeSet;

use crate::{
    infer::{Known, dates, meaning},
    text::normalise::search_key,
};

/// Family names, and first words of organisations' names, folded.
const NAMED: [&str; 50] = [
    "nguyen", "tran", "le", "pham", "hoang", "huynh", "phan", "vu", "vo", "dang", "bui", "do",
    "ho", "ngo", "duong", "ly", "dinh", "doan", "lam", "mai", "truong", "trinh", "dao", "luu",
    "ha", "dieu", "chau", "ta", "thai", "cao", "luong", "cong", "cty", "dntn", "doanh", "ubnd",
    "trung", "phong", "chi", "ban", "tram", "hat", "htx", "hop", "xi", "cua", "benh", "nha", "hop",
    "van",
];

/// Words of addresses, folded.
const PLACES: [&str; 14] = [
    "duong",
    "phuong",
    "xa",
    "ap",
    "huyen",
    "thi tran",
    "khu pho",
    "tp",
    "kp",
    "thon",
    "quoc lo",
    "to dan pho",
    "kcn",
    "thanh pho",
];

/// Different values of a code.
const CODES_MAX: usize = 20;
/// The last code of a commune in the country's list.
const COMMUNE_MAX: u32 = 32_248;

/// What a column is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    /// What it is called.
    pub(super) name: String,
    /// The member that it may be, and why.
    pub(super) known: Known,
}

/// The values of one column, a row each.
pub(super) type Values = Vec<String>;

/// What each column is taken for; `None` where nothing is told.
pub(super) fn guesses(columns: &[Values]) -> Vec<Option<Guess>> {
    let mut found = Found { columns, guesses: vec![None; columns.len()] };
    found.dates();
    found.one("status", "TRANG_THAI", words("tên trạng thái", "words for statuses"), &is_status);
    found.one("applicant.phone", "DIEN_THOAI", words("số điện thoại", "phone numbers"), &is_phone);
    found.one(
        "applicant.id_number",
        "SO_GIAY_TO",
        words("9 hay 12 chữ số", "9 or 12 digits"),
        &is_id,
    );
    found.one(
        "applicant.address",
        "DIA_CHI",
        words("chữ của địa chỉ", "words of addresses"),
        &is_place,
    );
    if found.has("applicant.address") {
        let reason = words("5 chữ số, cạnh địa chỉ", "5 digits, and there are addresses");
        found.one("commune", "MA_XA", reason, &is_commune);
    }
    found.names();
    found.one("fees[0].amount", "LE_PHI", words("tiền chẵn nghìn", "whole thousands"), &is_amount);
    found.code();
    found.guesses
}

fn words(vi: &str, en: &str) -> [String; 2] {
    [vi.to_owned(), en.to_owned()]
}

/// Values that are not empty.
fn told(values: &Values) -> impl Iterator<Item = &String> {
    values.iter().filter(|value| !value.is_empty())
}

fn different(values: &Values) -> usize {
    told(values).collect::<BTreeSet<_>>().len()
}

/// How many in a hundred values fit.
fn share(values: &Values, fits: &dyn Fn(&str) -> bool) -> usize {
    let (all, fitting) = (told(values).count(), told(values).filter(|one| fits(one)).count());
    fitting * 100 / all.max(1)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit())
}

fn is_status(text: &str) -> bool {
    meaning::status(text).is_some()
}

fn is_phone(text: &str) -> bool {
    let count = text.bytes().filter(u8::is_ascii_digit).count();
    let signs = text.bytes().all(|one| one.is_ascii_digit() || b" .-()".contains(&one));
    text.starts_with('0') && !text.starts_with("00") && signs && (9..=11).contains(&count)
}

fn is_id(text: &str) -> bool {
    digits(text) && matches!(text.len(), 9 | 12)
}

fn is_place(text: &str) -> bool {
    let key = format!(" {} ", search_key(text));
    PLACES.iter().any(|place| key.contains(&format!(" {place} ")))
}

fn is_commune(text: &str) -> bool {
    text.len() == 5 && digits(text) && text.parse().is_ok_and(|code: u32| code <= COMMUNE_MAX)
}

fn is_amount(text: &str) -> bool {
    let plain = text.replace('.', "");
    digits(&plain) && (plain == "0" || plain.ends_with("000"))
}

fn is_named(text: &str) -> bool {
    let key = search_key(text);
    let mut words = key.split(' ');
    let first = words.next().unwrap_or_default();
    words.next().is_some() && NAMED.contains(&first)
}

struct Found<'a> {
    columns: &'a [Values],
    guesses: Vec<Option<Guess>>,
}

impl Found<'_> {
    fn has(&self, member: &str) -> bool {
        self.guesses.iter().flatten().any(|guess| guess.known.member == member)
    }

    fn is_free(&self, at: usize) -> bool {
        self.guesses.get(at).is_some_and(Option::is_none)
    }

    fn set(&mut self, at: usize, member: &'static str, name: &str, reason: [String; 2]) {
        let name = name.to_owned();
        if let Some(place) = self.guesses.get_mut(at) {
            *place = Some(Guess { name, known: Known { member, reason } });
        }
    }

    /// The column most of whose values fit, if any does.
    fn best(&self, fits: &dyn Fn(&str) -> bool, least: usize) -> Option<(usize, usize)> {
        let free = self.columns.iter().enumerate().filter(|(at, _)| self.is_free(*at));
        let shares = free.map(|(at, values)| (share(values, fits), at));
        let best = shares
            .filter(|(share, _)| *share >= least)
            .min_by_key(|(share, at)| (100 - share, *at));
        best.map(|(share, at)| (at, share))
    }

    fn one(
        &mut self,
        member: &'static str,
        name: &str,
        [vi, en]: [String; 2],
        fits: &dyn Fn(&str) -> bool,
    ) {
        if let Some((at, share)) = self.best(fits, 60) {
            let sure = if share >= 90 { ["khá chắc", "likely"] } else { ["đoán", "a guess"] };
            let reason = [
                format!("{}: {share}% giá trị là {vi}", sure[0]),
                format!("{}: {share}% of the values are {en}", sure[1]),
            ];
            self.set(at, member, name, reason);
        }
    }

    /// Dates by their order: accepted, due, finished, returned; long before them the birth.
    fn dates(&mut self) {
        let mut days: Vec<(usize, Vec<String>)> = Vec::new();
        for (at, values) in self.columns.iter().enumerate() {
            let given: Vec<String> = told(values).cloned().collect();
            let figures =
                given.iter().all(|one| one.bytes().filter(u8::is_ascii_digit).count() > 5);
            if !given.is_empty() && figures && dates::forms("date", &given).is_some() {
                days.push((at, values.iter().map(|value| sortable(value)).collect()));
            }
        }
        let year = |days: &[String]| {
            let years = days.iter().filter_map(|day| day.get(..4)?.parse::<i32>().ok());
            years.max()
        };
        let latest = days.iter().filter_map(|(_, days)| year(days)).max().unwrap_or(0);
        let births =
            days.iter().position(|(_, days)| year(days).is_some_and(|last| last + 10 < latest));
        if let Some(at) = births {
            let (at, _) = days.remove(at);
            let reason =
                words("đoán: ngày sớm hơn các ngày khác nhiều năm", "a guess: years before");
            self.set(at, "applicant.birth_date", "NGAY_SINH", reason);
        }
        let rows = self.columns.first().map_or(0, Vec::len);
        let filled = |days: &[String]| days.iter().filter(|day| !day.is_empty()).count();
        let (mut whole, partly): (Vec<_>, Vec<_>) =
            days.into_iter().partition(|(_, days)| filled(days) * 10 >= rows * 9);
        // A day that is nearly always later is the later one; else as they stand.
        whole.sort_by(|(_, a), (_, b)| {
            let later = a.iter().zip(b).filter(|(a, b)| a > b).count();
            if later * 10 > rows * 9 {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        });
        let whole = whole.into_iter().zip([
            (
                "accepted_at",
                "NGAY_NHAN",
                "ngày sớm nhất, dòng nào cũng có",
                "the earliest, in all rows",
            ),
            (
                "due_at",
                "NGAY_HEN",
                "dòng nào cũng có, sau ngày nhận",
                "in all rows, after acceptance",
            ),
        ]);
        let partly = partly.into_iter().zip([
            (
                "finished_at",
                "NGAY_XONG",
                "có dòng trống: việc chưa xong",
                "blank in some: not done yet",
            ),
            (
                "returned_at",
                "NGAY_TRA",
                "có dòng trống, ngày thứ hai",
                "blank in some, the second one",
            ),
        ]);
        for ((at, _), (member, name, vi, en)) in whole.chain(partly) {
            self.set(at, member, name, words(&format!("đoán: {vi}"), &format!("a guess: {en}")));
        }
    }

    /// Who applies, and who of the office works on it: names, of which fewer are different.
    fn names(&mut self) {
        let mut named: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.is_free(*at))
            .filter(|at| self.columns.get(*at).is_some_and(|one| share(one, &is_named) >= 50))
            .collect();
        named.truncate(2);
        let counts: Vec<usize> =
            named.iter().map(|at| self.columns.get(*at).map_or(0, different)).collect();
        if let ([_, _], [one, other]) = (&named[..], &counts[..])
            && other > one
        {
            named.reverse();
        }
        let roles = [
            (
                "applicant.name",
                "HO_TEN",
                "họ tên hay tên tổ chức",
                "names of people or organisations",
            ),
            ("officer", "CAN_BO", "họ tên, ít người hơn cột kia", "names, of fewer people"),
        ];
        for (at, (member, name, vi, en)) in named.into_iter().zip(roles) {
            self.set(at, member, name, words(&format!("đoán: {vi}"), &format!("a guess: {en}")));
        }
    }

    /// The code of the dossier: the first that is different in every row.
    fn code(&mut self) {
        let code = |text: &str| {
            text.len() > 1
                && text.chars().any(|one| one.is_ascii_digit())
                && text.chars().all(|one| one.is_alphanumeric() || "-./_".contains(one))
        };
        let unique = |values: &Values| {
            values.len() > 1 && different(values) == values.len() && share(values, &code) == 100
        };
        let free = self.columns.iter().enumerate().filter(|(at, _)| self.is_free(*at));
        if let Some(at) = free.into_iter().find(|(_, values)| unique(values)).map(|(at, _)| at) {
            let reason =
                words("khá chắc: mỗi dòng một mã khác nhau", "likely: another code in each row");
            self.set(at, "source_code", "SO_HO_SO", reason);
        }
    }
}

/// A date so written that the order of texts is that of days.
fn sortable(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let day_first = text.get(2..3).is_some_and(|sign| "/-.".contains(sign))
        || digits.get(4..8).is_some_and(|year| year.starts_with("20") || year.starts_with("19"))
            && !digits.starts_with("19")
            && !digits.starts_with("20");
    match (day_first, digits.get(4..8), digits.get(2..4), digits.get(..2)) {
        (true, Some(year), Some(month), Some(day)) => format!("{year}{month}{day}"),
        _ => digits,
    }
}

/// Whether a column may be a code that only the agency can read: few different short values.
pub(super) fn is_code(values: &Values) -> bool {
    let different = different(values);
    let short = told(values).all(|one| one.chars().count() <= 2);
    short && (1..=CODES_MAX).contains(&different) && different < values.len()
}

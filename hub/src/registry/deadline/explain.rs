//! The steps of a reckoning, told to people: Vietnamese, with English beside it.

use contracts::{Moment, Status};
use jiff::civil::{Date, Weekday};
use serde::Serialize;

use super::{
    course::{Pause, Why},
    model::{DeadlineRule, Left, Limit, LimitUnit},
    reckon::{Extended, Paused, Reckoning, Step},
};
use crate::registry::{
    calendar::{At, Calendar, DayKind, Sure, Timetable},
    state::Extension,
};

/// Days that one step names, at most.
const NAMED_MAX: usize = 20;

/// One step, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = DeadlineStep)]
pub struct Explained {
    /// `accepted`, `limit`, `pause` or `extension`.
    pub step: &'static str,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub at: Option<Moment>,
    /// Due before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub due_before: Option<Moment>,
    /// Due after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub due_at: Option<Moment>,
    /// What it was, in Vietnamese.
    pub vi: String,
    /// What it was, in English.
    pub en: String,
}

/// A sentence in both languages.
type Told = (String, String);

/// Tells the steps of a reckoning.
pub fn explained(
    reckoning: &Reckoning,
    (limit, rule): (Limit, &DeadlineRule),
    (calendar, days): (&Calendar, &Timetable),
) -> Vec<Explained> {
    let teller = Teller { limit, rule, calendar, days };
    let mut from: Option<At> = None;
    let tell = |step: &Step| {
        if let Step::Accepted { from: begun, .. } = step {
            from = Some(*begun);
        }
        teller.step(step, from)
    };
    reckoning.steps.iter().map(tell).collect()
}

struct Teller<'a> {
    limit: Limit,
    rule: &'a DeadlineRule,
    calendar: &'a Calendar,
    days: &'a Timetable,
}

impl Teller<'_> {
    fn step(&self, step: &Step, begun: Option<At>) -> Explained {
        let dates = |step, at, due_before, due_at, (vi, en): Told| Explained {
            step,
            at,
            due_before,
            due_at,
            vi,
            en,
        };
        match step {
            Step::Accepted { told, from, too_late } => {
                dates("accepted", Some(*told), None, None, self.accepted(*told, *from, *too_late))
            }
            Step::Ends { due } => {
                let told = self.ends(begun.unwrap_or(At::of(*due)), *due);
                dates("limit", None, None, Some(*due), told)
            }
            Step::Unlimited => {
                let vi = "Thủ tục không có thời hạn: luôn được coi là đúng hạn.".to_owned();
                let en = "The procedure has no time limit: it is always in time.".to_owned();
                dates("limit", None, None, None, (vi, en))
            }
            Step::Waited(pause, outcome) => {
                let (before, due) = match outcome {
                    Paused::Shifted { before, due, .. } | Paused::Restarted { before, due, .. } => {
                        (Some(*before), Some(*due))
                    }
                    Paused::TooLate { due } => (Some(*due), Some(*due)),
                    Paused::Lasts { .. } | Paused::BeforeAcceptance => (None, None),
                };
                dates("pause", Some(pause.from), before, due, self.waited(pause, outcome))
            }
            Step::NewDate(told, outcome) => {
                let (before, due) = match outcome {
                    Extended::Holds { before, due } => (Some(*before), Some(*due)),
                    Extended::NotLater { due } => (Some(*due), Some(*due)),
                    _ => (None, None),
                };
                dates("extension", Some(told.at), before, due, extended(told, outcome))
            }
        }
    }

    fn accepted(&self, told: Moment, from: At, too_late: bool) -> Told {
        let (vi, en) = moment(told);
        let first = match self.limit.unit {
            LimitUnit::WorkingDays | LimitUnit::CalendarDays => {
                (" Ngày đầu không tính.", " The first day is not counted.")
            }
            _ => ("", ""),
        };
        let (then_vi, then_en) = match told {
            Moment::Day(day) if day == from.date() => {
                (" (không rõ giờ).".to_owned(), " (the hour is not known).".to_owned())
            }
            Moment::Instant(_) if At::of(told) == from => {
                (", trong giờ làm việc.".to_owned(), ", within office hours.".to_owned())
            }
            _ => {
                let moment = match told {
                    Moment::Day(_) => moment(Moment::Day(from.date())),
                    Moment::Instant(_) => moment(from.moment()),
                };
                let why = match self.rule.accept_until.filter(|_| too_late) {
                    Some(until) => (
                        format!("sau {} là giờ nhận cuối trong ngày", clock(until)),
                        format!("after {}, the last hour for that day", clock(until)),
                    ),
                    None => ("ngoài giờ làm việc".to_owned(), "outside office hours".to_owned()),
                };
                let vi = format!(", {}: tính từ {}.", why.0, moment.0);
                (vi, format!(", {}: counted from {}.", why.1, moment.1))
            }
        };
        (
            format!("Tiếp nhận {vi}{then_vi}{}", first.0),
            format!("Accepted {en}{then_en}{}", first.1),
        )
    }

    fn ends(&self, from: At, due: Moment) -> Told {
        let (limit_vi, limit_en) = limit(self.limit);
        let (due_vi, due_en) = moment(due);
        let (days_vi, days_en) = self.days_between(from, due);
        let rule = &self.rule.name;
        let basis = self.rule.legal_basis.as_ref().map(|act| format!(", {act}"));
        let basis = basis.unwrap_or_default();
        (
            format!("Thời hạn {limit_vi} (quy tắc «{rule}»{basis}): đến {due_vi}.{days_vi}"),
            format!("Time limit {limit_en} (rule “{rule}”{basis}): until {due_en}.{days_en}"),
        )
    }

    /// How many days there are from a time to a due date, and those that are not as their place in
    /// the week.
    fn days_between(&self, from: At, due: Moment) -> Told {
        let to = At::of(due).day;
        let worked = |day| self.days.worked(day).ok();
        let (Some(before), Some(until)) = (worked(from.day), worked(to)) else {
            return Told::default();
        };
        let all = i64::from(to.saturating_sub(from.day));
        if all <= 0 {
            return Told::default();
        }
        let working = until.saturating_sub(before);
        let off = all.saturating_sub(working);
        let Some(first) = from.date().tomorrow().ok() else { return Told::default() };
        let special = self.calendar.between(first, due.day());
        let named: Vec<(String, String)> = special
            .iter()
            .take(NAMED_MAX)
            .map(|day| {
                let works = day.kind == DayKind::MakeupWorkday;
                let vi = if works { ", có làm việc" } else { "" };
                let en = if works { ", worked" } else { "" };
                let (sure_vi, sure_en) = match day.sure {
                    Sure::Yes => ("", ""),
                    Sure::Likely | Sure::No => (", dự kiến", ", expected"),
                };
                let (date, name) = (date(day.date), &day.name);
                (format!("{date} ({name}{vi}{sure_vi})"), format!("{date} ({name}{en}{sure_en})"))
            })
            .collect();
        let more = special.len().saturating_sub(named.len());
        let mut vi: Vec<String> = named.iter().map(|(vi, _)| vi.clone()).collect();
        let mut en: Vec<String> = named.into_iter().map(|(_, en)| en).collect();
        if more > 0 {
            vi.push(format!("và {more} ngày khác"));
            en.push(format!("and {more} more"));
        }
        let list = |names: Vec<String>, lead: &str| {
            if names.is_empty() { String::new() } else { format!("{lead}{}", names.join("; ")) }
        };
        let counted =
            format!(" Trong {all} ngày sau đó có {working} ngày làm việc, {off} ngày nghỉ");
        let (days, off) = (count(all, "day"), count(off, "day"));
        let working = count(working, "working day");
        let counted_en = format!(" Of the {days} that follow, {working} and {off} off");
        (
            format!("{counted}{}.", list(vi, "; ngày đặc biệt: ")),
            format!("{counted_en}{}.", list(en, "; special days: ")),
        )
    }

    fn waited(&self, pause: &Pause, outcome: &Paused) -> Told {
        let (reason_vi, reason_en) = self.reason(pause);
        let (from_vi, from_en) = moment(pause.from);
        let (until_vi, until_en) = pause.until.map(moment).unwrap_or_default();
        let lead_vi = format!("Từ {from_vi} đến {until_vi} {reason_vi}");
        let lead_en = format!("From {from_en} to {until_en} {reason_en}");
        match outcome {
            Paused::Shifted { by, due, .. } => {
                let ((by_vi, by_en), (due_vi, due_en)) = (self.amount(*by), moment(*due));
                (
                    format!("{lead_vi}: {by_vi} không tính vào thời hạn; hạn là {due_vi}."),
                    format!("{lead_en}: {by_en} do not count; due {due_en}."),
                )
            }
            Paused::Restarted { from, due, .. } => {
                let ((due_vi, due_en), (days_vi, days_en)) =
                    (moment(*due), self.days_between(*from, *due));
                (
                    format!("{lead_vi}: thời hạn tính lại từ đầu; hạn là {due_vi}.{days_vi}"),
                    format!("{lead_en}: the time limit begins anew; due {due_en}.{days_en}"),
                )
            }
            Paused::Lasts { left: Left { value, unit } } => {
                let (left_vi, left_en) = match *unit {
                    "working_minutes" => self.amount(value * 60),
                    _ => self.amount(*value),
                };
                (
                    format!(
                        "Từ {from_vi} {reason_vi}: thời hạn dừng, còn {left_vi} khi tính tiếp."
                    ),
                    format!(
                        "Since {from_en} {reason_en}: time stands still, {left_en} left when it \
                         goes on."
                    ),
                )
            }
            Paused::TooLate { due } => {
                let (due_vi, due_en) = moment(*due);
                (
                    format!(
                        "Từ {from_vi} {reason_vi}: đã hết hạn {due_vi} nên hạn không thay đổi."
                    ),
                    format!(
                        "From {from_en} {reason_en}: it was due {due_en} already, \
                         nothing moves."
                    ),
                )
            }
            Paused::BeforeAcceptance => (
                format!("{lead_vi}, trước khi tiếp nhận: không ảnh hưởng đến hạn."),
                format!("{lead_en}, before the acceptance: nothing moves."),
            ),
        }
    }

    /// What a pause stands still for.
    fn reason(&self, pause: &Pause) -> Told {
        let (vi, en) = match pause.why {
            Why::Status(Status::SUPPLEMENT) => ("chờ bổ sung giấy tờ", "waiting for more papers"),
            Why::Status(Status::PAYMENT) => {
                ("chờ thực hiện nghĩa vụ tài chính", "waiting for a payment")
            }
            Why::Status(_) => ("hồ sơ dừng xử lý", "while the dossier is stopped"),
            Why::Phase(at) => {
                let name = self.rule.uncounted.get(at).map_or("", |phase| &phase.name);
                return (
                    format!("trong giai đoạn «{name}» không tính vào thời hạn"),
                    format!("in the phase “{name}”, which never counts"),
                );
            }
        };
        (vi.to_owned(), en.to_owned())
    }

    fn amount(&self, n: i64) -> Told {
        match self.limit.unit {
            LimitUnit::CalendarDays => (format!("{n} ngày"), count(n, "day")),
            LimitUnit::WorkingHours => {
                let (hours, minutes) = (n / 3_600, n / 60 % 60);
                let vi = format!("{hours} giờ {minutes} phút làm việc");
                let en = format!("{} {}", count(hours, "hour"), count(minutes, "minute"));
                (vi, format!("{en} of office hours"))
            }
            _ => (format!("{n} ngày làm việc"), count(n, "working day")),
        }
    }
}

fn extended(told: &Extension, outcome: &Extended) -> Told {
    let (at_vi, at_en) = moment(told.at);
    let (vi, en) = match outcome {
        Extended::Holds { due, .. } => {
            let (due_vi, due_en) = moment(*due);
            let letter = match told.apology {
                true => ("có văn bản xin lỗi", "with a letter of apology"),
                false => ("không có văn bản xin lỗi", "without a letter of apology"),
            };
            (format!("{}; hạn mới là {due_vi}", letter.0), format!("{}; due {due_en}", letter.1))
        }
        Extended::NoLetter => (
            "không có văn bản xin lỗi nên hạn không thay đổi".to_owned(),
            "without a letter of apology: nothing moves".to_owned(),
        ),
        Extended::TooMany { max } => (
            format!("quy tắc chỉ cho gia hạn {max} lần nên hạn không thay đổi"),
            format!("the rule allows {}: nothing moves", count(i64::from(*max), "extension")),
        ),
        Extended::NoDate => (
            "không nêu ngày mới nên hạn không thay đổi".to_owned(),
            "no new date is told: nothing moves".to_owned(),
        ),
        Extended::NotLater { due } => {
            let (due_vi, due_en) = moment(*due);
            (
                format!("ngày mới không sau hạn {due_vi} nên hạn không thay đổi"),
                format!("the new date is no later than {due_en}: nothing moves"),
            )
        }
    };
    (format!("Gia hạn {at_vi}: {vi}."), format!("Extended {at_en}: {en}."))
}

pub(super) fn limit(limit: Limit) -> Told {
    let n = i64::from(limit.value);
    match limit.unit {
        LimitUnit::WorkingDays => (format!("{n} ngày làm việc"), count(n, "working day")),
        LimitUnit::CalendarDays => (format!("{n} ngày"), count(n, "calendar day")),
        LimitUnit::WorkingHours => (format!("{n} giờ làm việc"), count(n, "working hour")),
        LimitUnit::SameDay => ("trong ngày".to_owned(), "the same day".to_owned()),
        LimitUnit::None => ("không có".to_owned(), "none".to_owned()),
    }
}

fn count(n: i64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

fn clock(second: u32) -> String {
    format!("{:02}:{:02}", second / 3_600, second / 60 % 60)
}

fn date(day: Date) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

/// A moment with the day of the week, and its hour where it has one.
pub(super) fn moment(told: Moment) -> Told {
    let day = told.day();
    let (vi, en) = match day.weekday() {
        Weekday::Monday => ("thứ Hai", "Monday"),
        Weekday::Tuesday => ("thứ Ba", "Tuesday"),
        Weekday::Wednesday => ("thứ Tư", "Wednesday"),
        Weekday::Thursday => ("thứ Năm", "Thursday"),
        Weekday::Friday => ("thứ Sáu", "Friday"),
        Weekday::Saturday => ("thứ Bảy", "Saturday"),
        Weekday::Sunday => ("Chủ nhật", "Sunday"),
    };
    let hour = match told {
        Moment::Day(_) => String::new(),
        Moment::Instant(_) => format!("{} ", clock(At::of(told).second)),
    };
    let date = date(day);
    (format!("{hour}{vi} {date}"), format!("{hour}{en} {date}"))
}

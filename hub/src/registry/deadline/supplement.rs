//! Until when an applicant has to bring the papers that were asked for.

use contracts::Moment;
use jiff::civil::Date;
use serde::Serialize;

use super::{
    course::Course,
    explain::{limit, moment},
    model::DeadlineRule,
    reckon::ends,
};
use crate::registry::calendar::{OutsideCalendar, Timetable};

/// How a request stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SupplementState)]
pub enum Answered {
    /// It waits, and there is time left.
    Waiting,
    /// It waits, and the time has run out: the office may end the dossier.
    Overdue,
    /// It was answered in time.
    InTime,
    /// It was answered when the time had run out.
    Late,
}

/// A request for more papers, with the day up to which the applicant has time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Supplement {
    /// When it was made.
    #[schema(value_type = crate::described::Moment)]
    pub requested_at: Moment,
    /// When the dossier went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub answered_at: Option<Moment>,
    /// Until when there is time.
    #[schema(value_type = crate::described::Moment)]
    pub due_at: Moment,
    /// How it stands.
    pub state: Answered,
    /// What it was, in Vietnamese.
    pub vi: String,
    /// What it was, in English.
    pub en: String,
}

/// The requests of a dossier, as they stand on a day; none where the rule gives them no time limit.
/// Late is who answers on a later day than the due one.
///
/// # Errors
/// When a day that is needed is not in the calendar.
pub(super) fn supplements(
    course: &Course,
    rule: &DeadlineRule,
    days: &Timetable,
    on: Date,
) -> Result<Vec<Supplement>, OutsideCalendar> {
    let Some(time) = rule.supplement else { return Ok(Vec::new()) };
    let (time_vi, time_en) = limit(time);
    let told = |(requested_at, answered_at): &(Moment, Option<Moment>)| {
        let due_at = ends(*requested_at, time, rule, days)?;
        let is_late = answered_at.map_or(on, Moment::day) > due_at.day();
        let state = match (answered_at, is_late) {
            (None, false) => Answered::Waiting,
            (None, true) => Answered::Overdue,
            (Some(_), false) => Answered::InTime,
            (Some(_), true) => Answered::Late,
        };
        let ((from_vi, from_en), (due_vi, due_en)) = (moment(*requested_at), moment(due_at));
        let (end_vi, end_en) = ending(state, *answered_at);
        Ok(Supplement {
            requested_at: *requested_at,
            answered_at: *answered_at,
            due_at,
            state,
            vi: format!(
                "Yêu cầu bổ sung {from_vi}: người nộp có {time_vi}, đến {due_vi}; {end_vi}."
            ),
            en: format!(
                "More papers were asked for {from_en}: the applicant has {time_en}, until \
                 {due_en}; {end_en}."
            ),
        })
    };
    course.requests.iter().map(told).collect()
}

fn ending(state: Answered, answered: Option<Moment>) -> (String, String) {
    let (vi, en) = answered.map(moment).unwrap_or_default();
    match state {
        Answered::Waiting => ("đang chờ".to_owned(), "it waits".to_owned()),
        Answered::Overdue => (
            "đã quá hạn, cơ quan có thể kết thúc hồ sơ".to_owned(),
            "the time has run out, and the office may end the dossier".to_owned(),
        ),
        Answered::InTime => {
            (format!("hồ sơ tiếp tục {vi}, trong hạn"), format!("it went on {en}, in time"))
        }
        Answered::Late => {
            (format!("hồ sơ tiếp tục {vi}, quá hạn"), format!("it went on {en}, too late"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::tests::limit as time, *};
    use crate::registry::{
        DossierState, Settings,
        calendar::tests::{DONG_NAI, moment},
        deadline::{Deadlines, Due, LimitUnit, Phase, Resume},
        fold,
        rules::{event, reference, snapshot},
    };

    /// The province's edition, in which the rule for all gives five working days to supplement, and
    /// the tax phase never counts.
    fn deadlines(resume: Resume) -> Deadlines {
        let mut catalogue = DONG_NAI.clone();
        let rule = catalogue.deadlines.iter_mut().find(|rule| rule.name == "chung").unwrap();
        rule.supplement = Some(time(5, LimitUnit::WorkingDays));
        rule.resume = resume;
        let says = ["chuyển cơ quan thuế".to_owned(), "chờ thông báo thuế".to_owned()].to_vec();
        rule.uncounted = vec![Phase { name: "thuế".to_owned(), says }];
        rule.limit = Some(time(5, LimitUnit::WorkingDays));
        Deadlines::new(&catalogue)
    }

    /// A dossier accepted on Monday, 1 June 2026 at 9:00, and what became of it.
    fn state(steps: &[(&str, u8, &str)]) -> DossierState {
        let told = json!({ "agency": "ubnd-cap-xa", "procedure": "1.012903", "source_version": "1",
            "accepted_at": "2026-06-01T02:00:00Z", "status": 2 });
        let step = |(at, status, raw): &(&str, u8, &str)| -> Value {
            json!({ "at": moment(at), "status": status, "status_raw": raw })
        };
        let all = steps.iter().map(|one| event(step(one)));
        fold(&all.chain([snapshot(told, 0)]).collect::<Vec<_>>(), &reference()).unwrap().0
    }

    #[track_caller]
    fn stands(steps: &[(&str, u8, &str)], on: &str) -> Vec<(Moment, Answered)> {
        let (deadlines, state) = (deadlines(Resume::Shift), state(steps));
        let told = deadlines.explain(&state, &Settings::default(), on.parse().unwrap()).unwrap();
        told.supplements.iter().map(|one| (one.due_at, one.state)).collect()
    }

    #[test]
    fn an_applicant_has_time_up_to_the_end_of_a_day_and_is_late_on_the_next() {
        let asked = ("2026-06-02 10:00", 5, "Yêu cầu bổ sung");
        let due = moment("2026-06-09 10:00");
        assert_eq!(stands(&[asked], "2026-06-09"), [(due, Answered::Waiting)]);
        assert_eq!(stands(&[asked], "2026-06-10"), [(due, Answered::Overdue)]);
        let answered = |at| stands(&[asked, (at, 4, "Đang xử lý")], "2026-07-01");
        assert_eq!(answered("2026-06-09 16:30"), [(due, Answered::InTime)], "by the day");
        assert_eq!(answered("2026-06-10 07:30"), [(due, Answered::Late)]);
        // What follows is a payment: the papers have come.
        let paid = [asked, ("2026-06-04 10:00", 6, ""), ("2026-06-20 10:00", 4, "")];
        assert_eq!(stands(&paid, "2026-07-01"), [(due, Answered::InTime)]);
        // Working days are those of the calendar: a Sunday's holiday, its Monday, and two more.
        let before = ("2026-04-24 10:00", 5, "");
        assert_eq!(stands(&[before], "2026-05-06")[0].0, moment("2026-05-06 10:00"));
        assert_eq!(stands(&[("2026-06-02 10:00", 4, "")], "2026-06-09"), []);
    }

    #[test]
    fn a_request_without_a_time_limit_is_never_late() {
        let state = state(&[("2026-06-02 10:00", 5, "")]);
        let on = "2027-06-02".parse().unwrap();
        let deadlines = Deadlines::new(&DONG_NAI);
        let told = deadlines.explain(&state, &Settings::default(), on).unwrap();
        assert_eq!(told.supplements, []);
    }

    #[test]
    fn a_phase_that_never_counts_moves_the_date_by_what_it_lasted_under_either_way_to_resume() {
        let tax = ("2026-06-03 09:00", 4, "Đã chuyển CO QUAN THUE xác định");
        let again = ("2026-06-05 09:00", 4, "Đang xử lý");
        for resume in [Resume::Shift, Resume::Restart] {
            let deadlines = deadlines(resume);
            let due =
                |steps: &[_]| deadlines.reckon(&state(steps), &Settings::default()).unwrap().due;
            assert_eq!(due(&[]), Due::At(moment("2026-06-08 09:00")));
            assert_eq!(due(&[tax, again]), Due::At(moment("2026-06-10 09:00")));
            let Due::Waiting { since, left } = due(&[tax]) else { panic!("it counts") };
            assert_eq!((since, left.value), (moment("2026-06-03 09:00"), 3));
            // Two phases, one after the other, and a request within.
            let waits = ("2026-06-04 09:00", 4, "Chờ thông báo thuế");
            assert_eq!(due(&[tax, waits, again]), Due::At(moment("2026-06-10 09:00")));
            let other = ("2026-06-03 09:00", 4, "Chuyển cơ quan khác");
            assert_eq!(due(&[other, again]), due(&[]));
        }
        let papers = ("2026-06-04 09:00", 5, "");
        let Due::At(due) = deadlines(Resume::Restart)
            .reckon(&state(&[tax, papers, again]), &Settings::default())
            .unwrap()
            .due
        else {
            panic!("it waits")
        };
        assert_eq!(due, moment("2026-06-12 09:00"), "papers begin it anew, the phase does not");
        let told = deadlines(Resume::Shift);
        let on = "2026-06-09".parse().unwrap();
        let told = told.explain(&state(&[tax, again]), &Settings::default(), on).unwrap();
        let step = told.steps.last().unwrap();
        assert!(step.vi.contains("trong giai đoạn «thuế» không tính vào thời hạn"), "{}", step.vi);
        assert!(step.en.contains("in the phase “thuế”, which never counts"), "{}", step.en);
    }
}

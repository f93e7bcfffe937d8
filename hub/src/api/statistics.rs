//! `GET /v1/statistics`: numbers of any days, by where dossiers count, status and day, as of any
//! position.

use std::collections::BTreeSet;

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::{Timestamp, civil::Date, tz::Offset};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    kinds::{NO_CATALOGUE, NOT_YOURS},
    params::{Params, bad},
};
use crate::api::document::{
    answers::{Conflict, Forbidden, Unchanged},
    params::{as_of, day, text, word, words},
    tags,
};
use crate::{
    auth::Principal,
    operations::{By, DueOf, Question, STATISTIC_DAYS_MAX, Statistic},
    registry::{Dimension, measure::day_number, offer::Offer},
};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

/// Hours that Vietnam is ahead of UTC; it has no summer time.
const VIETNAM_HOURS: i8 = 7;

/// Today in Vietnam.
pub(crate) fn today() -> Date {
    Offset::constant(VIETNAM_HOURS).to_datetime(Timestamp::now()).date()
}

#[utoipa::path(
    get, path = "/v1/statistics",
    tag = tags::STATISTICS, operation_id = "getStatistics",
    summary = "Numbers of dossiers by days, places and procedures",
    description = "Số liệu hồ sơ theo khoảng ngày, chia theo các chiều tùy chọn; theo hạn cơ \
                   quan hứa hoặc theo hạn hệ thống tính. Khóa portal không được nêu số của quá \
                   ít hồ sơ: xem suppressed.",
    params(StatisticsAsked),
    responses(
        (status = 200, description = "Số liệu.\n\nThe numbers.", body = Statistic),
        Unchanged,
        Forbidden,
        Conflict,
    ),
)]
pub(super) async fn statistics(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let today = today();
    let (mut question, params) = question(&uri, today, &["by", "promise"])?;
    may_ask(&api, &who, &question)?;
    question.due_of = due_of(&params, &question, &who)?;
    // The default days depend on today, so the answer of yesterday is not today's.
    let few = api.operations.few;
    let also = match question.due_of {
        DueOf::Agency => format!(".{today}.{few}"),
        DueOf::Hub => format!(".{today}.{few}.{}", api.operations.store.judged().await?),
    };
    let reading = Reading::begin(&api, &headers, &also).await?;
    let answer = api.operations.statistics(&who, &question).await?;
    reading.json(StatusCode::OK, JSON, &answer, Some(answer.as_of))
}

/// By whose due date it is asked; by the hub's, as far as that can be answered.
fn due_of(params: &Params, question: &Question, who: &Principal) -> Result<DueOf, ProblemResponse> {
    match params.text("promise") {
        None | Some("agency") => return Ok(DueOf::Agency),
        Some("hub") => {}
        Some(other) => {
            let (vi, en) = ("Ghi agency hoặc hub.", "Write agency or hub.");
            return Err(bad("promise", other, vi, en));
        }
    }
    not_as_of(question)?;
    if !question.is_summed(who) {
        let by = params.text("by").unwrap_or_default();
        let vi = "Theo hạn của hệ thống chỉ hỏi được theo agency, procedure, field, commune, hoặc \
                  agency cùng một chiều trong ba chiều kia; bộ lọc cũng là một chiều.";
        let en = "By the hub's due date ask by agency, procedure, field, commune, or agency with \
                  one of the other three; a filter counts as a dimension.";
        return Err(bad("by", by, vi, en));
    }
    Ok(DueOf::Hub)
}

/// Refuses an earlier position for what stands where the hub has judged up to.
pub(super) fn not_as_of(question: &Question) -> Result<(), ProblemResponse> {
    let Some(asked) = question.as_of else { return Ok(()) };
    let vi = "Số theo hạn của hệ thống chỉ có ở vị trí đã tính đến (as_of của câu trả lời): bỏ \
              as_of.";
    let en = "Numbers by the hub's due date are told where it has judged up to (as_of in the \
              answer): leave as_of out.";
    Err(bad("as_of", &asked.to_string(), vi, en))
}

/// Whether a question is the asker's to ask, and can be answered.
pub(super) fn may_ask(api: &Api, who: &Principal, question: &Question) -> Result<(), Stop> {
    if let (Principal::Agency(own), Some(other)) = (who, question.only.get(&Dimension::Agency))
        && own != other
    {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    }
    if question.needs_catalogue() && api.operations.published.get().is_none() {
        return Err(ProblemResponse::new(StatusCode::CONFLICT, &NO_CATALOGUE).into());
    }
    Ok(())
}

/// The question of an address; `also` are the parameters that it may have beside days and places.
pub(super) fn question(
    uri: &Uri,
    today: Date,
    also: &[&str],
) -> Result<(Question, Params), ProblemResponse> {
    let mut known = vec!["from", "to", "as_of", "units_on"];
    known.extend(Dimension::ALL.map(Dimension::name));
    known.extend(Offer::ALL.map(Offer::name));
    known.extend(also);
    let params = Params::read(uri, &known)?;
    let to = date(&params, "to")?;
    // Where only the last day is given, its year.
    let first = to.unwrap_or(today).first_of_year();
    let from = date(&params, "from")?.unwrap_or(first);
    let to = to.unwrap_or(today);
    if from > to {
        let vi = format!("Ghi from không sau to ({to}).");
        return Err(bad("from", &from.to_string(), &vi, &format!("No later than to ({to}).")));
    }
    if day_number(to).saturating_sub(day_number(from)) >= STATISTIC_DAYS_MAX {
        let vi = format!("Hỏi tối đa {STATISTIC_DAYS_MAX} ngày một lần.");
        let en = format!("Ask for at most {STATISTIC_DAYS_MAX} days at a time.");
        return Err(bad("from", &from.to_string(), &vi, &en));
    }
    let units_on = date(&params, "units_on")?;
    if let Some(early) = units_on.filter(|day| *day < to) {
        let vi =
            format!("Ghi một ngày không trước to ({to}): đơn vị sau không chia ngược lại được.");
        let en = format!("No earlier than to ({to}): later units cannot be divided back.");
        return Err(bad("units_on", &early.to_string(), &vi, &en));
    }
    let asked = |one: Dimension| Some((one, params.text(one.name())?.to_owned()));
    let offered = |one: Offer| Some((one, params.text(one.name())?.to_owned()));
    let question = Question {
        from,
        to,
        by: by(&params)?,
        only: Dimension::ALL.into_iter().filter_map(asked).collect(),
        offered: Offer::ALL.into_iter().filter_map(offered).collect(),
        units_on,
        as_of: params.position("as_of")?,
        due_of: DueOf::Agency,
    };
    Ok((question, params))
}

pub(super) fn date(params: &Params, name: &str) -> Result<Option<Date>, ProblemResponse> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let wrong = || {
        let vi = "Ghi ngày có trong lịch, dạng NĂM-THÁNG-NGÀY, ví dụ 2025-07-01.";
        bad(name, text, vi, "Write a day of the calendar as YYYY-MM-DD, such as 2025-07-01.")
    };
    let date: Date = text.parse().map_err(|_| wrong())?;
    // Only the plain form: the parser takes times and signed years too.
    if date.to_string() == text { Ok(Some(date)) } else { Err(wrong()) }
}

fn by(params: &Params) -> Result<BTreeSet<By>, ProblemResponse> {
    let text = params.text("by").unwrap_or_default();
    let named = |name: &str| {
        By::all().find(|by| by.name() == name).ok_or_else(|| {
            let names = By::all().map(By::name).collect::<Vec<_>>().join(", ");
            let vi = format!("Ghi một hay nhiều chiều, cách nhau bằng dấu phẩy: {names}.");
            let en = format!("Write one or more of {names}, with commas between.");
            bad("by", name, &vi, &en)
        })
    };
    text.split(',').filter(|_| !text.is_empty()).map(named).collect()
}

/// What every question for numbers takes: days and places.
pub(super) fn days_and_places() -> Vec<Parameter> {
    let mut all = vec![
        day(
            "from",
            "Từ ngày; bỏ trống là đầu năm của to.",
            "From this day; else its year's first.",
        ),
        day("to", "Đến ngày; bỏ trống là hôm nay.", "To this day; today if left out."),
        as_of(),
        day("units_on", "Quy về đơn vị hành chính của ngày này.", "In the units of this day."),
    ];
    let only = |name: &str| text(name, "Chỉ giá trị này.", "Only this one.");
    all.extend(Dimension::ALL.map(|one| only(one.name())));
    all.extend(Offer::ALL.map(|one| only(one.name())));
    all
}

/// What is asked for numbers.
#[derive(Debug)]
pub(super) enum StatisticsAsked {}

impl IntoParams for StatisticsAsked {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let names: Vec<&str> = By::all().map(By::name).collect();
        let mut all = days_and_places();
        all.push(words("by", &names, "Các chiều để chia số.", "What numbers are divided by."));
        let (vi, en) = ("Theo hạn của ai.", "By whose due date.");
        all.push(word("promise", &["agency", "hub"], vi, en));
        all
    }
}

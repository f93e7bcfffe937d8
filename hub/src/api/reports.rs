//! `/v1/reports`: which reports there are, a report, and freezing one.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, LINK, X_CONTENT_TYPE_OPTIONS},
    },
    response::Response,
};
use contracts::problem::UNKNOWN_AGENCY;
use jiff::civil::Date;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    dossiers::named,
    kinds,
    params::{Params, bad},
    statistics::today,
};
use crate::api::document::{
    answers::{Conflict, Forbidden, Unchanged},
    params::{agency, as_of, asked, limit, named as named_in_path, period, position, text, word},
    tags,
};
use crate::{
    operations::{
        Figures, NoReport, PAGE_MAX, ReportList, ReportQuestion, ToldFreeze, WrittenReport,
    },
    registry::report::{Difference, Period, Report},
    report::Format,
    store::StoreError,
};
use utoipa::openapi::path::Parameter;

/// Freezes on a page where no limit is asked for.
const FREEZES_DEFAULT: u32 = 100;

/// A page runs nothing and loads nothing; its style is its own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// Which freeze a report's figures are of: its position.
const FROZEN_AT: &str = "x-frozen-at-position";

impl From<NoReport> for Stop {
    fn from(none: NoReport) -> Self {
        let (status, kind) = match &none {
            NoReport::Store(error) => {
                return StoreError { trouble: error.trouble, reason: error.reason.clone() }.into();
            }
            NoReport::NoForms => (StatusCode::NOT_FOUND, &kinds::NO_FORMS),
            NoReport::UnknownForm { .. } => (StatusCode::NOT_FOUND, &kinds::UNKNOWN_FORM),
            NoReport::UnknownCalendar { .. } => {
                (StatusCode::BAD_REQUEST, &kinds::UNKNOWN_REPORT_CALENDAR)
            }
            NoReport::OutsideCalendar(_) => {
                (StatusCode::BAD_REQUEST, &kinds::OUTSIDE_REPORT_CALENDAR)
            }
            NoReport::TooLong => (StatusCode::BAD_REQUEST, &kinds::PERIOD_TOO_LONG),
            NoReport::UnknownAgency(_) => (StatusCode::NOT_FOUND, &UNKNOWN_AGENCY),
            NoReport::NotYours | NoReport::NotForEverybody => {
                (StatusCode::FORBIDDEN, &kinds::NOT_YOURS)
            }
            NoReport::NotFrozen => (StatusCode::NOT_FOUND, &kinds::NOT_FROZEN),
            NoReport::NotOver { .. } => (StatusCode::CONFLICT, &kinds::PERIOD_NOT_OVER),
            NoReport::NotOperator => (StatusCode::FORBIDDEN, &kinds::OPERATOR_ONLY),
        };
        let (vi, en) = none.words();
        let told = ProblemResponse::new(status, kind).detail(vi, en);
        match none {
            NoReport::UnknownForm { known } | NoReport::UnknownCalendar { known } => {
                told.member("known", json!(known))
            }
            NoReport::NotOver { to } => told.member("to", json!(to)),
            _ => told,
        }
        .into()
    }
}

/// What is asked for, but how it is written.
fn question(form: String, params: &Params) -> Result<ReportQuestion, ProblemResponse> {
    let forms = "2026, 2026-H1, 2026-9M, 2026-Q2, 2026-05, 2026-01-05..2026-03-20";
    let text = params.text("period").unwrap_or_default();
    let period: Period = text.parse().map_err(|_| {
        let vi = format!("Ghi kỳ báo cáo theo một trong các dạng: {forms}.");
        bad("period", text, &vi, &format!("Write a period in one of these forms: {forms}."))
    })?;
    let figures = match params.text("figures") {
        None => Figures::Standing,
        Some("now") => Figures::Now,
        Some("frozen") => Figures::Frozen,
        Some("difference") => Figures::Difference,
        Some(text) => {
            let vi = "Ghi now, frozen hoặc difference.";
            return Err(bad("figures", text, vi, "Write now, frozen or difference."));
        }
    };
    let as_of = params.position("as_of")?;
    if figures == Figures::Frozen && as_of.is_some() {
        let vi = "Số liệu đã chốt có vị trí riêng: bỏ as_of.";
        let text = params.text("as_of").unwrap_or_default();
        return Err(bad("as_of", text, vi, "What was frozen has its own position: leave it out."));
    }
    Ok(ReportQuestion {
        form,
        period,
        calendar: params.text("calendar").map(ToOwned::to_owned),
        agency: params.text("agency").map(ToOwned::to_owned),
        as_of,
        figures,
    })
}

/// A report, or how a frozen one differs from the figures of now.
#[derive(ToSchema)]
#[schema(as = ReportAnswer)]
#[serde(untagged)]
#[expect(dead_code, reason = "either is written elsewhere; both are what is answered")]
enum ReportTold {
    /// A report.
    Report(Report),
    /// How it differs.
    Difference(Difference),
}

fn format(params: &Params) -> Result<Format, ProblemResponse> {
    let Some(text) = params.text("format") else { return Ok(Format::Json) };
    Format::from_name(text).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        bad("format", text, &format!("Ghi một trong: {names}."), &format!("Write one of {names}."))
    })
}

/// Which forms and calendars there are, and what was frozen.
#[utoipa::path(
    get, path = "/v1/reports",
    tag = tags::REPORTS, operation_id = "listReports",
    summary = "Forms of reports, and what was frozen",
    description = "Các biểu báo cáo, lịch báo cáo, và các lần chốt số liệu.",
    params(ReportsAsked),
    responses(
        (status = 200, description = "Danh sách.\n\nThe list.", body = ReportList),
        Unchanged,
    ),
)]
pub(super) async fn reports(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["after", "limit"])?;
    let (after, limit) = (params.position("after")?, params.limit(FREEZES_DEFAULT, PAGE_MAX)?);
    let reading = Reading::begin(&api, &headers, "").await?;
    let list = api.operations.reports(&who, after, limit).await?;
    let mut response = reading.json(StatusCode::OK, JSON, &list, Some(list.as_of))?;
    if let Some(next) = list.next {
        let uri = format!("</v1/reports?after={next}&limit={limit}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::from_str(&uri) {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
}

/// One report, in the format asked for.
#[utoipa::path(
    get, path = "/v1/reports/{form}",
    tag = tags::REPORTS, operation_id = "getReport",
    summary = "One report, as JSON, CSV, workbook or page",
    description = "Một báo cáo theo biểu và kỳ; xuất JSON, CSV, bảng tính hoặc trang in. \
                   figures chọn số hiện nay, số đã chốt, hoặc chênh lệch.",
    params(ReportAsked),
    responses(
        (status = 200, description = "Báo cáo.\n\nThe report.", content(
            (ReportTold = "application/json"), (String = "text/csv; charset=utf-8"),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "text/html; charset=utf-8"))),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn report(
    State(api): State<Api>,
    Asker(who): Asker,
    form: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let form = named("form", form)?;
    let params = ["period", "calendar", "agency", "as_of", "figures", "format"];
    let params = Params::read(&uri, &params)?;
    let (question, format) = (question(form, &params)?, format(&params)?);
    let today: Date = today();
    let reading =
        Reading::begin(&api, &headers, &format!(".{today}.{}", api.operations.few)).await?;
    let written = api.operations.written_report(&who, &question, today, format).await?;
    let WrittenReport { bytes, as_of, frozen_at, file_name } = &*written;
    let media_type = format.media_type();
    let mut response = reading.bytes(StatusCode::OK, media_type, bytes.clone(), Some(*as_of));
    let own = response.headers_mut();
    own.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    own.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(position) = frozen_at {
        own.insert(FROZEN_AT, HeaderValue::from(*position));
    }
    if matches!(format, Format::Csv | Format::Xlsx) {
        let disposition = format!("attachment; filename=\"{file_name}\"");
        if let Ok(disposition) = HeaderValue::from_str(&disposition) {
            own.insert(CONTENT_DISPOSITION, disposition);
        }
    }
    Ok(response)
}

/// Freezes a report: 201 with the freeze; 200 with the one that stands where it was frozen before.
#[utoipa::path(
    post, path = "/v1/reports/{form}/freeze",
    tag = tags::REPORTS, operation_id = "freezeReport",
    summary = "Freeze the figures of a report",
    description = "Chốt số liệu một báo cáo khi kỳ đã kết thúc; đã chốt rồi thì trả 200 với \
                   lần chốt đang có. Chỉ dành cho đơn vị vận hành.",
    params(FreezeAsked),
    responses(
        (status = 200, description = "Đã chốt từ trước.\n\n\
            It was frozen before.", body = ToldFreeze),
        (status = 201, description = "Vừa chốt.\n\nIt is frozen.", body = ToldFreeze),
        Forbidden,
        Conflict,
    ),
)]
pub(super) async fn freeze(
    State(api): State<Api>,
    Asker(who): Asker,
    form: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let form = named("form", form)?;
    let params = Params::read(&uri, &["period", "calendar", "agency"])?;
    let question = question(form, &params)?;
    let (freeze, is_new) = api.operations.freeze(&who, &question, today()).await?;
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    reading.json(status, JSON, &freeze, None)
}

asked! {
    /// Which freezes.
    ReportsAsked: [
        position("after", "Sau vị trí này.", "After this position."),
        limit(FREEZES_DEFAULT, PAGE_MAX),
    ];
    /// A report.
    ReportAsked: [
        form_in_path(),
        period(),
        calendar(),
        agency(),
        as_of(),
        word("figures", &["now", "frozen", "difference"],
            "Số hiện nay, số đã chốt, hay chênh lệch; bỏ trống: số đã chốt nếu có.",
            "Figures of now, frozen ones, or the difference; else frozen ones where there are."),
        word("format", &Format::ALL.map(Format::name), "Dạng xuất.", "How it is written."),
    ];
    /// What is frozen.
    FreezeAsked: [form_in_path(), period(), calendar(), agency()];
}

fn form_in_path() -> Parameter {
    named_in_path("form", "06a", "Biểu báo cáo.", "The form.")
}

fn calendar() -> Parameter {
    text("calendar", "Lịch báo cáo.", "The calendar of reporting periods.")
}

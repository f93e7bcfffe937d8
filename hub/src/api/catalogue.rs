//! `GET /v1/procedures`, `/v1/agencies` and `/v1/units`: what the province publishes.
//!
//! Lists page by `Link: <…>; rel="next"`, absent on the last page. A cursor holds for one question
//! and one version of the catalogue: pages of two versions would skip or repeat.

use std::sync::Arc;

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Mark, Stop, bad_cursor, nothing},
    dossiers::named,
    kinds::{CATALOGUE_CHANGED, NO_CATALOGUE},
    paging::Paging,
    params::{Params, bad},
    statistics::{date, today},
};
use crate::api::document::{
    answers::{Gone, NotFound, Unchanged},
    params::{asked, cursor, day, limit, named as in_path, searched, text},
    tags,
};
use crate::{
    catalogue::{
        AgencyQuestion, Directory, FoundAgency, FoundProcedure, FoundUnit, Page, ProcedureQuestion,
        ProcedureVersion, UnitQuestion, UnknownValue, Window,
    },
    cursor,
    journal::merkle::Digest,
};

/// Items on a page, unless it says otherwise.
pub(super) const PAGE_DEFAULT: u32 = 20;
/// Items on a page, at most.
pub(super) const PAGE_MAX: u32 = 100;

/// One question under way.
pub(super) struct Asked {
    list: &'static str,
    pub(super) params: Params,
    pub(super) directory: Arc<Directory>,
    /// What a cursor of this question bears.
    mark: String,
    pub(super) window: Window,
}

/// A page as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = CataloguePage)]
struct Answer<'a, T: Serialize + ToSchema> {
    #[serde(flatten)]
    page: &'a Page<T>,
    /// The day that it is of, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    on: Option<Date>,
    /// The position from which on it is so.
    as_of: u64,
}

impl Asked {
    pub(super) fn read(
        api: &Api,
        list: &'static str,
        known: &'static [&'static str],
        uri: &Uri,
    ) -> Result<Self, Stop> {
        let params = Params::read(uri, known)?;
        let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &NO_CATALOGUE);
        let directory = api.operations.published.get().ok_or_else(none)?;
        let limit = usize::try_from(params.limit(PAGE_DEFAULT, PAGE_MAX)?).unwrap_or(usize::MAX);
        // All that is asked but the place in the list: a page may be followed by a shorter one.
        let told = known.iter().filter(|name| !matches!(**name, "cursor" | "limit"));
        let told = told.map(|name| format!("{name}={}", params.text(name).unwrap_or_default()));
        let mark = Digest::of(told.collect::<Vec<_>>().join("\n").as_bytes()).to_string();
        let window = Window { offset: 0, limit };
        let mut asked = Self { list, params, directory, mark, window };
        if let Some(place) = asked.paging(&asked.path()).after()? {
            asked.window.offset = asked.offset(&place)?;
        }
        Ok(asked)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.params.text(name).map(ToOwned::to_owned)
    }

    fn q(&self) -> String {
        self.text("q").unwrap_or_default()
    }

    fn path(&self) -> String {
        format!("/v1/{}", self.list)
    }

    fn paging<'a>(&'a self, path: &'a str) -> Paging<'a> {
        let Self { list, params, directory, .. } = self;
        Paging { path, list, log_id: &directory.log_id, params }
    }

    fn offset(&self, (position, key): &cursor::Place) -> Result<usize, ProblemResponse> {
        if *position != self.directory.position {
            return Err(ProblemResponse::new(StatusCode::GONE, &CATALOGUE_CHANGED));
        }
        let of_this = key.strip_prefix(&self.mark).and_then(|rest| rest.strip_prefix(' '));
        of_this.and_then(|offset| offset.parse().ok()).ok_or_else(bad_cursor)
    }

    /// What the answer depends on: the catalogue, and the day where one was taken for granted.
    fn mark(&self, headers: &HeaderMap, on: Option<Date>) -> Result<Mark, Stop> {
        let Directory { log_id, position, .. } = &*self.directory;
        let day = on.map_or_else(String::new, |day| day.to_string());
        Mark::new(headers, format!("\"{log_id}.c{position}.{day}\""), self.as_of())
    }

    /// The position from which on the catalogue holds.
    pub(super) fn as_of(&self) -> u64 {
        self.directory.position + 1
    }

    fn answer<T: Serialize + ToSchema>(
        &self,
        mark: &Mark,
        on: Option<Date>,
        page: &Page<T>,
    ) -> Result<Response, Stop> {
        let answer = Answer { page, on, as_of: self.as_of() };
        let response = mark.json(StatusCode::OK, JSON, &answer, None)?;
        self.link(response, page.next)
    }

    /// Puts the link to the next page into an answer, where there is one.
    pub(super) fn link(&self, response: Response, next: Option<usize>) -> Result<Response, Stop> {
        let next = next.map(|at| (self.directory.position, format!("{} {at}", self.mark)));
        self.paging(&self.path()).link(response, next)
    }

    pub(super) fn unknown(&self, unknown: &UnknownValue) -> ProblemResponse {
        let UnknownValue { parameter, listed } = unknown;
        let value = self.params.text(parameter).unwrap_or_default();
        let vi = format!("Ghi một giá trị có trong danh mục; xem {listed}.");
        let en = format!("Write a value that the catalogue has; see {listed}.");
        bad(parameter, value, &vi, &en)
    }
}

#[utoipa::path(
    get, path = "/v1/procedures",
    tag = tags::CATALOGUE, operation_id = "listProcedures",
    summary = "Procedures that the province publishes",
    description = "Tìm và lọc thủ tục hành chính trong danh mục của tỉnh; mỗi trang có số \
                   lượng theo từng bộ lọc.",
    params(ProceduresAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = Answer<FoundProcedure>),
        Unchanged,
        NotFound,
        Gone,
    ),
)]
pub(super) async fn procedures(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let known = &["q", "agency", "field", "level", "online_level", "on", "limit", "cursor"];
    let asked = Asked::read(&api, "procedures", known, &uri)?;
    // Levels and time limits hold between days.
    let on = date(&asked.params, "on")?.unwrap_or_else(today);
    let question = ProcedureQuestion {
        q: asked.q(),
        agency: asked.text("agency"),
        field: asked.text("field"),
        level: asked.text("level"),
        online_level: asked.text("online_level"),
        on,
    };
    let mark = asked.mark(&headers, Some(on))?;
    let page = asked.directory.procedures(&question, asked.window);
    asked.answer(&mark, Some(on), &page.map_err(|unknown| asked.unknown(&unknown))?)
}

/// All versions of the procedures that bear a code.
#[derive(Serialize, ToSchema)]
#[schema(as = ProcedureTold)]
struct Told<'a> {
    /// The code that was asked for.
    code: &'a str,
    /// Those in force on the day first, then the latest first.
    versions: Vec<ProcedureVersion<'a>>,
    /// The day.
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// The position from which on it is so.
    as_of: u64,
}

#[utoipa::path(
    get, path = "/v1/procedures/{code}",
    tag = tags::CATALOGUE, operation_id = "getProcedure",
    summary = "A procedure with all its versions",
    description = "Một thủ tục theo mã quốc gia (ngắn hoặc đủ) hay mã riêng của cơ quan: mức độ \
                   trực tuyến, thời hạn, phí, căn cứ pháp lý, mọi phiên bản.",
    params(ProcedureAsked),
    responses((status = 200, description = "Thủ tục.\n\nThe procedure.", body = Told), Unchanged),
)]
pub(super) async fn procedure(
    State(api): State<Api>,
    Asker(_): Asker,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let code = named("code", code)?;
    let asked = Asked::read(&api, "procedures", &["on"], &uri)?;
    let on = date(&asked.params, "on")?.unwrap_or_else(today);
    let mark = asked.mark(&headers, Some(on))?;
    let versions = asked.directory.procedure(&code, on);
    if versions.is_empty() {
        return Err(nothing());
    }
    let told = Told { code: &code, versions, on, as_of: asked.as_of() };
    mark.json(StatusCode::OK, JSON, &told, None)
}

#[utoipa::path(
    get, path = "/v1/agencies",
    tag = tags::CATALOGUE, operation_id = "listAgencies",
    summary = "Agencies of the catalogue",
    description = "Tìm và lọc cơ quan trong danh mục, cùng cơ quan trước và sau khi sắp xếp.",
    params(AgenciesAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = Answer<FoundAgency>),
        Unchanged,
        NotFound,
        Gone,
    ),
)]
pub(super) async fn agencies(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let known = &["q", "kind", "parent", "on", "limit", "cursor"];
    let asked = Asked::read(&api, "agencies", known, &uri)?;
    let on = date(&asked.params, "on")?;
    let question =
        AgencyQuestion { q: asked.q(), kind: asked.text("kind"), parent: asked.text("parent"), on };
    let mark = asked.mark(&headers, on)?;
    asked.answer(&mark, on, &asked.directory.agencies(&question, asked.window))
}

#[utoipa::path(
    get, path = "/v1/units",
    tag = tags::CATALOGUE, operation_id = "listUnits",
    summary = "Administrative units of the catalogue",
    description = "Tìm và lọc đơn vị hành chính, cùng đơn vị trước và sau khi sắp xếp.",
    params(UnitsAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = Answer<FoundUnit>),
        Unchanged,
        NotFound,
        Gone,
    ),
)]
pub(super) async fn units(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let known = &["q", "code", "level", "parent", "on", "limit", "cursor"];
    let asked = Asked::read(&api, "units", known, &uri)?;
    let on = date(&asked.params, "on")?;
    let question = UnitQuestion {
        q: asked.q(),
        code: asked.text("code"),
        level: asked.text("level"),
        parent: asked.text("parent"),
        on,
    };
    let mark = asked.mark(&headers, on)?;
    asked.answer(&mark, on, &asked.directory.units(&question, asked.window))
}

asked! {
    /// One procedure.
    ProcedureAsked: [
        in_path(
            "code",
            "1.009001",
            "Mã thủ tục: mã quốc gia hoặc mã riêng của cơ quan.",
            "The procedure's code: the national one or an agency's own.",
        ),
        day("on", "Có hiệu lực vào ngày này; nếu không, hôm nay.", "In force then; else today."),
    ];
    /// Procedures.
    ProceduresAsked: [
        searched(),
        text("agency", "Mã cơ quan.", "An agency's id."),
        text("field", "Mã lĩnh vực.", "A field's id."),
        text("level", "Cấp thực hiện.", "The level of government."),
        text("online_level", "Mức độ trực tuyến.", "The level of the online service."),
        day("on", "Danh mục của ngày này; bỏ trống: hôm nay.", "As of this day; else today."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
    /// Agencies.
    AgenciesAsked: [
        searched(),
        text("kind", "Loại cơ quan.", "The kind of agency."),
        text("parent", "Cơ quan cấp trên.", "The agency above."),
        day("on", "Chỉ cơ quan có vào ngày này.", "Only those that there are on this day."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
    /// Units.
    UnitsAsked: [
        searched(),
        text("code", "Mã đơn vị.", "The unit's code."),
        text("level", "Cấp.", "The level."),
        text("parent", "Đơn vị cấp trên.", "The unit above."),
        day("on", "Chỉ đơn vị có vào ngày này.", "Only those that there are on this day."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
}

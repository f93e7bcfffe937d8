//! `/console/exchange`: what agencies ask one another and the portal hands to them, on a page of
//! its own: what waits, what was answered, what was not in time. Public members alone.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use contracts::problem::Bilingual;
use jiff::Timestamp;

use super::{page::Time, sent, unanswered};
use crate::{
    api::today,
    auth::Principal,
    operations::{ExchangeKind, ExchangePart, ExchangeQuestion, Operations, Reader},
    registry::measure::day_number,
    store::StoreError,
};

/// Rows of each table.
const SHOWN: u32 = 20;

/// A request, or an application, at one agency.
struct Row {
    id: String,
    agency: String,
    /// What it is about: a dossier's code, or a procedure's.
    about: String,
    /// When it is due, or was filed.
    at: Time,
    told: Bilingual,
    /// The dossier's code that its agency gave.
    code: String,
    is_late: bool,
}

#[derive(Template)]
#[template(path = "exchange.html")]
struct Page {
    read_at: Time,
    waiting: Vec<Row>,
    ended: Vec<Row>,
    filed: Vec<Row>,
}

fn row((id, part): (String, ExchangePart)) -> Row {
    let text = |name: &str| part.sent[name].as_str().map(ToOwned::to_owned);
    let code = part.answer.as_ref().and_then(|answer| answer["dossier"].as_str());
    Row {
        id,
        about: text("dossier").or_else(|| text("procedure")).unwrap_or_default(),
        at: text("due_at").or_else(|| text("submitted_at")).unwrap_or_default().into(),
        code: code.unwrap_or_default().to_owned(),
        is_late: part.late,
        agency: part.agency,
        told: part.told,
    }
}

impl Page {
    async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let who = Reader::of_public(Principal::Operator);
        let rows = async |kind, answered: Option<bool>| {
            let latest = answered != Some(false);
            let from_day = (!latest).then(|| day_number(today()));
            let (agency, after, limit) = (None, None, SHOWN);
            let question =
                ExchangeQuestion { kind, agency, answered, from_day, latest, after, limit };
            let found = operations.standing_of(&who, &question).await?;
            Ok::<Vec<Row>, StoreError>(found.into_iter().map(row).collect())
        };
        Ok(Self {
            read_at: Timestamp::now().to_string().into(),
            waiting: rows(ExchangeKind::Request, Some(false)).await?,
            ended: rows(ExchangeKind::Request, Some(true)).await?,
            filed: rows(ExchangeKind::Application, None).await?,
        })
    }
}

pub(super) async fn show(State(operations): State<Operations>) -> Response {
    let page = match Page::read(&operations).await {
        Ok(page) => page,
        Err(error) => return unanswered(&error),
    };
    match page.render() {
        Ok(text) => sent("text/html; charset=utf-8", text),
        Err(error) => {
            tracing::error!(%error, "the page of requests cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

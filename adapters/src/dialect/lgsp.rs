//! LGSP: what an agency's application pushes to its provincial hub.
//!
//! Each of four calls takes one JSON document and is answered `{"Status", "Message"}`, the status
//! being that of HTTP too: clients there are look at the one or at the other.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use super::{Desk, Files, inline, not_taken, taken};
use crate::rest::intake::{self, Intake, only};
use crate::rest::problem::{ProblemResponse, last, note};
use crate::rest::push::denied;

/// The word in a channel's settings.
pub const NAME: &str = "lgsp";

/// The calls: their addresses below `/lgsp`, and the operation that each is.
pub const CALLS: &[(&str, &str)] = &[
    ("/Document/SyncDocument", "SyncDocument"),
    ("/Document/UpdateDocumentTraces", "UpdateDocumentTraces"),
    ("/Statistic/UpdateStatistic", "UpdateStatistic"),
    ("/Vote/UpdateVote", "UpdateVote"),
];

/// The operations that a channel may receive.
pub const OPERATIONS: &[&str] =
    &["SyncDocument", "UpdateDocumentTraces", "UpdateStatistic", "UpdateVote"];

const JSON: &str = "application/json; charset=utf-8";

/// The operation whose document holds files.
const WITH_FILES: &str = "SyncDocument";

struct Lgsp {
    intake: Arc<Intake>,
    desk: Arc<dyn Desk>,
    files: Option<Arc<dyn Files>>,
}

/// The routes by which agencies push. Each is also there with a space at its end, as one client
/// writes it. Files inside a document stay in it where nobody keeps `files`.
pub fn router(intake: Arc<Intake>, desk: Arc<dyn Desk>, files: Option<Arc<dyn Files>>) -> Router {
    let lgsp = Arc::new(Lgsp { intake, desk, files });
    let mut router = Router::new();
    for (address, operation) in CALLS {
        let take = async move |State(lgsp): State<Arc<Lgsp>>, request: Request| {
            lgsp.take(operation, request).await.unwrap_or_else(refused)
        };
        for end in ["", "%20"] {
            router = router.route(&format!("/lgsp{address}{end}"), post(take));
        }
    }
    router.with_state(lgsp)
}

impl Lgsp {
    async fn take(&self, operation: &str, request: Request) -> Result<Response, ProblemResponse> {
        let (head, body) = request.into_parts();
        let authorization = only(&head.headers, &AUTHORIZATION).ok().flatten();
        let channel = self.desk.channel(NAME, operation, authorization);
        let channel = channel.map_err(denied).map_err(last)?;
        let seat = self.intake.seat(&channel).map_err(last)?;
        let key = intake::key(&head.headers).map_err(last)?;
        let (payload, share) = self.intake.payload(&head.headers, body).await.map_err(last)?;
        let payload = match self.files.as_deref().filter(|_| operation == WITH_FILES) {
            Some(files) => {
                let claimed = inline::claimed(files, &channel, payload).await;
                claimed.map_err(|later| intake::not_now(&later))?
            }
            None => payload,
        };
        let arrival = intake::arrival(&head.headers, key, payload);
        let receipt = self.intake.accept(&channel, arrival, (share, seat)).await?;
        let body = status(StatusCode::OK, &taken(&receipt));
        let mut response = ([(CONTENT_TYPE, JSON)], body).into_response();
        note(response.headers_mut(), &receipt);
        Ok(response)
    }
}

fn refused(problem: ProblemResponse) -> Response {
    let (code, told) = (problem.status(), not_taken(&problem));
    problem.told_as(code, JSON, status(code, &told))
}

fn status(status: StatusCode, message: &str) -> String {
    json!({ "Status": status.as_u16(), "Message": message }).to_string()
}

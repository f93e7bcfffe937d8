//! What is said at doors whose answers `adapters` writes: their schemas.

use serde::Serialize;
use utoipa::ToSchema;

use crate::described::Receipt;

/// A request for a token, after RFC 6749 §4.4.2.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenRequest {
    /// `client_credentials`.
    grant_type: String,
    /// The id of the key: the second part of `ltk_ID_SECRET`. It may come by HTTP Basic instead.
    #[schema(required = false)]
    client_id: String,
    /// The secret of the key: its third part.
    #[schema(required = false)]
    client_secret: String,
}

/// A token, after RFC 6749 §5.1.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Token {
    /// What stands behind `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// Seconds until it ends.
    expires_in: u32,
    /// `default`.
    scope: String,
}

/// Why there is no token, after RFC 6749 §5.2.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenFault {
    /// `invalid_request`, `unsupported_grant_type` or `invalid_client`.
    error: String,
    /// In words.
    error_description: String,
}

/// What an LGSP answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LgspAnswer {
    /// The status of HTTP.
    #[serde(rename = "Status")]
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// In words.
    #[serde(rename = "Message")]
    message: String,
}

/// Who logs in, as the national portal has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DvcqgLogin {
    /// The id of the key.
    username: String,
    /// Its secret.
    password: String,
}

/// The answer to who logs in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DvcqgSession {
    /// What stands in the member `session` of every call; empty or absent where there is none.
    session: Option<String>,
    /// `0`, or why there is none.
    error_code: String,
    /// In words.
    message: String,
}

/// A call of a service; what it tells stands beside these members.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DvcqgCall {
    /// The session.
    session: String,
    /// `DongBoHoSoMC` or `CapNhatTienDoHoSoMC`.
    service: String,
}

/// The answer to a call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DvcqgAnswer {
    /// `0` where it was taken; `1`, `-1`, `-2`, `-4`, `-5` where it was not.
    error_code: String,
    /// In words.
    message: String,
    /// In words, where it was taken.
    result: Option<String>,
}

/// A receipt, with the request that it is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestReceipt {
    #[serde(flatten)]
    #[schema(value_type = Receipt)]
    receipt: serde_json::Value,
    /// The request's id: `/v1/requests/{id}`.
    request: String,
}

/// A receipt, with the application that it is about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApplicationReceipt {
    #[serde(flatten)]
    #[schema(value_type = Receipt)]
    receipt: serde_json::Value,
    /// The application's id: `/v1/applications/{id}`.
    application: String,
}

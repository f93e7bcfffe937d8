//! What is addressed to somebody: requests between agencies and applications from the portal, what
//! names them, and how they stand. Pure.
//!
//! A request has one id for all agencies that are asked, `AGENCY:KEY`: who asks, and by which
//! `Idempotency-Key`. So sending it again names it again, and its message is found by it.

use serde::Serialize;

use super::RecordName;

/// What one agency asks another.
pub const REQUEST: &str = "request/1";
/// What the other replies, or that it did not in time.
pub const REPLY: &str = "reply/1";
/// What the portal hands to an agency's system.
pub const APPLICATION: &str = "application/1";
/// What that says to it.
pub const ACKNOWLEDGEMENT: &str = "acknowledgement/1";

/// Contracts whose records go to whom they are addressed to, without a route.
pub const ADDRESSED: [&str; 4] = [REQUEST, REPLY, APPLICATION, ACKNOWLEDGEMENT];

/// Where deliveries wait for the time by which a request is to be answered.
pub const DEADLINES: &str = "hub.deadlines";

/// What the portal is called where agencies have their ids.
pub const PORTAL: &str = "portal";

/// What the key of the hub's own answer ends in; no id of a request has a `/`.
const TIMED_OUT: &str = "/timed-out";

/// The id of what a sender sent under a key.
pub fn id(sender: &str, key: &str) -> String {
    format!("{sender}:{key}")
}

/// Who sent what an id names, and under which key.
pub fn sent_by(id: &str) -> Option<(&str, &str)> {
    id.split_once(':').filter(|(sender, key)| !sender.is_empty() && !key.is_empty())
}

/// The key of a reply among the records about the agency that was asked.
pub fn reply_key(request: &str, timed_out: bool) -> String {
    format!("{request}{}", if timed_out { TIMED_OUT } else { "" })
}

/// The id of what an answer answers, by its key: of the hub's own as of the agency's.
pub fn request_of(key: &str) -> &str {
    key.strip_suffix(TIMED_OUT).unwrap_or(key)
}

/// The record of which nothing may be told yet where this one is to be told: the hub says that an
/// agency has not answered only where it has not.
pub fn yields_to(name: &RecordName) -> Option<RecordName> {
    let key = name.key.strip_suffix(TIMED_OUT).filter(|_| name.contract == REPLY)?;
    Some(RecordName { key: key.to_owned(), ..name.clone() })
}

/// Whether the deliveries of a line are of what is addressed to somebody: lines are named by
/// contract, agency and key.
pub fn is_addressed(line: &str) -> bool {
    ADDRESSED
        .iter()
        .any(|contract| line.strip_prefix(contract).is_some_and(|rest| rest.starts_with('/')))
}

/// How a request stands at one agency that was asked, or an application at its agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExchangeState)]
pub enum Standing {
    /// It waits: to be delivered, or to be fetched by who is sent nothing.
    Waiting,
    /// Its agency's system has it.
    Delivered,
    /// It could not be delivered: an operator has its dead letter.
    Undeliverable,
    /// The agency answered, or its system took the application.
    Answered,
    /// The agency declined, or its system did not take the application.
    Declined,
    /// The time to answer by has passed; what was answered later is kept, and shown as late.
    TimedOut,
}

impl Standing {
    /// Whether nothing more is waited for.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Answered | Self::Declined | Self::TimedOut)
    }

    /// What it means, in words: Vietnamese, English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Waiting => ("Đang chờ cơ quan nhận.", "It waits for the agency to take it."),
            Self::Delivered => (
                "Đã đến hệ thống của cơ quan, đang chờ trả lời.",
                "The agency's system has it; an answer is waited for.",
            ),
            Self::Undeliverable => (
                "Không giao được; đơn vị vận hành đang giữ thư này.",
                "It could not be delivered; the operator has its dead letter.",
            ),
            Self::Answered => ("Đã có trả lời.", "It is answered."),
            Self::Declined => ("Cơ quan đã từ chối.", "The agency declined."),
            Self::TimedOut => ("Quá hạn mà chưa có trả lời.", "It was not answered in time."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hub_s_own_answer_yields_to_the_agency_s() {
        let named = |contract: &str, key: String| RecordName {
            contract: contract.to_owned(),
            agency: "so-nhan".to_owned(),
            key,
        };
        let request = id("so-gui", "cv:7");
        assert_eq!(sent_by(&request), Some(("so-gui", "cv:7")));
        let replied = named(REPLY, reply_key(&request, false));
        let timed_out = named(REPLY, reply_key(&request, true));
        assert!([&replied, &timed_out].iter().all(|reply| request_of(&reply.key) == request));
        assert_eq!(yields_to(&timed_out), Some(replied.clone()));
        assert_eq!(yields_to(&replied), None);
        assert_eq!(yields_to(&named("votes/1", timed_out.key)), None);
        assert!(is_addressed("request/1/so-nhan/so-gui:cv:7"));
        assert!(!is_addressed("request/12/x") && !is_addressed("so-y-te/request/1"));
    }
}

//! What an agency sees of its own channels.

mod control;
mod refusals;
mod standing;

pub use control::{
    Control, Controlled, Differing, KEYS_MAX, Keys, TOTAL_DAYS_MAX, TOTALS_MAX, Total,
};
pub use refusals::{OpenRefusals, RefusalQuestion, RuleCount};
pub(crate) use standing::ALERT_KINDS;
pub use standing::{ChannelHeard, ChannelStanding, MEASURED_DAYS};

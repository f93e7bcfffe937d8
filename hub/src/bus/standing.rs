//! How publishing stands in this process, for those who run the hub.

use std::sync::{Arc, Mutex};

use adapters::reading::Trouble;
use contracts::problem::Bilingual;
use serde::Serialize;

/// What is going on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// The journal itself is followed: nothing is published.
    #[default]
    Embedded,
    /// A broker is being connected to, and tested.
    Connecting,
    /// What is appended is published.
    Publishing,
    /// The broker takes nothing for the moment.
    Waiting,
    /// The broker cannot be published to.
    Away,
    /// Another process publishes.
    Elsewhere,
}

impl State {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Connecting => "connecting",
            Self::Publishing => "publishing",
            Self::Waiting => "waiting",
            Self::Away => "away",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// Its name in Vietnamese.
    pub const fn name_vi(self) -> &'static str {
        match self {
            Self::Embedded => "trong tiến trình",
            Self::Connecting => "đang kết nối",
            Self::Publishing => "đang phát",
            Self::Waiting => "máy chủ tạm thời chưa nhận",
            Self::Away => "không phát được",
            Self::Elsewhere => "tiến trình khác đang phát",
        }
    }

    /// Whether events reach who subscribes, as far as this process knows.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Publishing | Self::Elsewhere)
    }
}

/// Why nothing is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = BusTrouble)]
pub struct Told {
    /// One of the codes of `docs/bus.md`.
    pub code: &'static str,
    /// The same in words.
    #[serde(flatten)]
    #[schema(value_type = crate::described::Bilingual)]
    pub words: Bilingual,
}

/// How publishing stands; shared.
#[derive(Debug, Clone, Default)]
pub struct Standing(Arc<Mutex<(State, Option<Told>)>>);

impl Standing {
    /// Notes how it stands; in the log when that changes, and no sooner.
    pub fn tell(&self, state: State, trouble: Option<&Trouble>) {
        let Ok(mut told) = self.0.lock() else { return };
        let why = |trouble: &Trouble| Told { code: trouble.code, words: trouble.told.clone() };
        let now = (state, trouble.map(why));
        // Between two attempts that fail alike nothing has changed.
        let retrying = state == State::Connecting && told.1.is_some();
        if *told == now || retrying {
            return;
        }
        match &now.1 {
            Some(why) => {
                tracing::warn!(state = state.name(), code = why.code, "the bus: {}", why.words.en);
            }
            None => tracing::info!(state = state.name(), "the bus"),
        }
        *told = now;
    }

    /// How it stands.
    pub fn get(&self) -> (State, Option<Told>) {
        self.0.lock().map(|told| told.clone()).unwrap_or_default()
    }
}

//! Links: where the e-service of each procedure is, as the catalogue tells it, and whether it
//! answers there ([`docs/catalogue.md`], decision 50).
//!
//! [`worker`] visits each address now and then, one process at a time, one visit of a host at a
//! time; `decide.rs` (pure) says when the next is due and when a link is dead. What was found lies
//! in the store.
//!
//! [`docs/catalogue.md`]: ../../../docs/catalogue.md

mod decide;
mod worker;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use adapters::{
    outbound::visit::{Nowhere, Visitor},
    reach::Network,
};
use contracts::problem::Bilingual;

use crate::{config::LinkSettings, store::StoreError};

pub use decide::{DEAD_AFTER, LinkState};
pub(crate) use worker::run;

/// How links are visited by the configuration in force.
pub(crate) struct Going {
    visitor: Visitor,
    settings: LinkSettings,
}

impl Going {
    /// Makes ready; connects to nothing.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub(crate) fn new(private: Vec<Network>, settings: LinkSettings) -> Result<Self, StoreError> {
        let visitor = Visitor::new(private, settings.answer);
        let visitor =
            visitor.map_err(|error| StoreError::fault(format!("there is no client: {error}")))?;
        Ok(Self { visitor, settings })
    }

    fn rest(&self) -> Duration {
        self.settings.rest
    }
}

/// How this process visits links; shared. It changes with the configuration, and where no hub runs
/// nothing is visited.
#[derive(Clone, Default)]
pub struct Links(Arc<RwLock<Option<Arc<Going>>>>);

impl Links {
    /// Goes by another configuration from now on.
    pub(crate) fn change(&self, to: Going) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(to));
    }

    fn going(&self) -> Option<Arc<Going>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why a link leads nowhere, in words; nothing for a word that is none of [`Nowhere`]'s.
pub(crate) fn words(reason: &str) -> Option<Bilingual> {
    let why = Nowhere::ALL.into_iter().find(|why| why.name() == reason)?;
    let (vi, en) = match why {
        Nowhere::Unreachable => {
            ("Không kết nối được tới địa chỉ này.", "Nothing can be connected to there.")
        }
        Nowhere::NoAnswer => ("Không có phản hồi kịp thời.", "Nothing was answered in time."),
        Nowhere::NotAllowed => (
            "Địa chỉ thuộc mạng nội bộ mà hệ thống không được phép truy cập.",
            "It lies in a private network that this hub may not reach.",
        ),
        Nowhere::BadRedirect => (
            "Địa chỉ chuyển hướng tới nơi không thể dẫn người dân tới.",
            "It leads on to what is no address to lead people to.",
        ),
        Nowhere::Redirects => {
            ("Địa chỉ chuyển hướng quá nhiều lần.", "It leads on too many times.")
        }
        Nowhere::Status => (
            "Máy chủ trả lời là không có trang này hoặc đang lỗi.",
            "The server answers that there is no such page, or that it is broken.",
        ),
    };
    Some(Bilingual { vi: vi.into(), en: en.into() })
}

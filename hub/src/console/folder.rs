//! The section about drop folders.

use contracts::problem::Bilingual;

use super::page::Time;
use crate::{catalog::Channel, operations::Operations};

/// A drop folder.
pub(super) struct FolderRow {
    pub(super) channel: String,
    pub(super) folder: String,
    pub(super) waiting: u64,
    pub(super) oldest: Time,
    pub(super) states: Vec<Bilingual>,
}

/// How a channel's drop folder stands, if it has one.
pub(super) fn row(operations: &Operations, channel: &Channel) -> Option<FolderRow> {
    let dropped = channel.dropped.as_ref()?;
    let standing = operations.drop_folders.get(&channel.id)?.borrow().clone();
    let told = |vi: String, en: String| Bilingual { vi, en };
    let mut states = Vec::new();
    states.extend(standing.trouble.map(|trouble| trouble.told()));
    if standing.elsewhere {
        let vi = "Tiến trình khác của hệ thống đang phụ trách.".to_owned();
        states.push(told(vi, "Another process of the hub takes its files.".to_owned()));
    }
    if standing.strange > 0 {
        let vi = format!("Có {} thư mục con; tệp trong đó không được nhận.", standing.strange);
        let en = format!("{} folders lie in it, whose files nobody takes.", standing.strange);
        states.push(told(vi, en));
    }
    if states.is_empty() {
        states.push(told("Bình thường.".to_owned(), "In order.".to_owned()));
    }
    Some(FolderRow {
        channel: channel.id.clone(),
        folder: dropped.folder.to_string(),
        waiting: standing.waiting,
        oldest: standing.oldest.map(|at| at.to_string().into()).unwrap_or_default(),
        states,
    })
}

//! `rest` poll: an agency's API is read page by page.
//!
//! [`RestPoll`] is one channel's settings put to work; `place` is where it stands, `items` takes a
//! page apart, `request` talks HTTP, `credentials` says who the hub is.

mod credentials;
mod items;
mod place;
mod request;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc, time::Duration};

use contracts::problem::Bilingual;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use crate::{
    reach::Reach,
    reading::{Ended, Reader, Trouble, Turn},
};

pub use credentials::{Credentials, OAuth};
use items::Items;
pub use items::MemberPath;
use place::{Conditions, Place, Sweep};
pub use place::{Template, TemplateFault};
use request::{Answer, Client, Page};

/// How an API cuts its answer into pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Paging {
    /// It does not.
    #[default]
    Whole,
    /// By a number in `{page}`; a page without items, or like the one before, is the last.
    Number {
        /// The first page's number.
        first: u64,
    },
    /// By a member of the body: what goes into `{cursor}`, or the address of the next page.
    Body {
        /// Where the member is; absent, null or empty on the last page.
        next: MemberPath,
    },
    /// By a `Link` header with `rel="next"`.
    Link,
}

/// What a page's items are, for APIs whose pages are lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where the list is; empty where the body is the list.
    pub items: MemberPath,
    /// What an item is known by.
    pub key: Vec<MemberPath>,
    /// What grows whenever an item changes.
    pub watermark: Option<MemberPath>,
}

/// Limits on one turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Pages of one turn.
    pub pages_max: u64,
    /// Bytes of one page.
    pub body_bytes_max: u64,
    /// How long one answer may take.
    pub answer_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let answer_max = Duration::from_secs(120);
        Self { pages_max: 10_000, body_bytes_max: 16 << 20, answer_max }
    }
}

/// How one channel is polled.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address, with `{since}`, `{page}` and `{cursor}` where they go.
    pub url: Template,
    /// What `{since}` is in the beginning.
    pub since: Option<String>,
    /// How far each sweep reaches back before the watermark: seconds, or a number.
    pub overlap: u64,
    /// Its items; without, each body is one message.
    pub listed: Option<Listed>,
    /// Its pages.
    pub paging: Paging,
    /// Who the hub is.
    pub credentials: Credentials,
    /// Limits.
    pub limits: Limits,
}

/// One channel that is polled.
pub struct RestPoll {
    settings: Settings,
    client: Client,
}

impl RestPoll {
    /// Puts settings to work.
    ///
    /// # Errors
    /// When there is no TLS to be had.
    pub fn new(settings: Settings, reach: Arc<Reach>) -> Result<Arc<Self>, Bilingual> {
        let client = Client::new(&settings, reach)?;
        Ok(Arc::new(Self { settings, client }))
    }

    async fn sweep(&self, mut turn: Turn) -> Result<Ended, Trouble> {
        let mut place = Place::read(turn.cursor.as_deref())?;
        let mut sweep = place.resumed(&self.settings, Timestamp::now());
        let (mut ended, mut asked) = (Ended::default(), HashSet::new());
        let mut before: Option<Items> = None;
        for _ in 0..self.settings.limits.pages_max {
            if turn.stop.is_cancelled() {
                return Ok(ended);
            }
            let url = sweep.url(&self.settings, place.since.as_deref())?;
            if !asked.insert(url.to_string()) {
                return Err(self.goes_round());
            }
            let conditions = place.conditions.as_ref().filter(|_| self.is_one_page());
            let page = match self.client.get(&url, conditions).await? {
                Answer::Unchanged => return Ok(ended),
                Answer::Page(page) => page,
            };
            let Some(listed) = &self.settings.listed else {
                let next = self.next(&sweep, &url, &page, None)?;
                let cursor = self.cursor(&mut place, &mut sweep, &next, page.conditions.clone());
                let key = url.as_str();
                turn.take_body(key, (page.body, page.content_type), &cursor, &mut ended).await?;
                if next.is_none() {
                    return Ok(ended);
                }
                continue;
            };
            let items = Items::read(listed, &page.body).map_err(|why| self.strange(&why))?;
            let again = before.as_ref().is_some_and(|before| before.same(&items));
            sweep.note(&items);
            let next = self.next(&sweep, &url, &page, Some(items.is_empty() || again))?;
            let cursor = self.cursor(&mut place, &mut sweep, &next, page.conditions.clone());
            turn.take_rows(items.rows(), &cursor, &mut ended).await?;
            if next.is_none() {
                return Ok(ended);
            }
            before = Some(items);
        }
        Err(Trouble::limit("pages_max", self.settings.limits.pages_max))
    }

    /// Whether every turn asks for the same one page.
    fn is_one_page(&self) -> bool {
        self.settings.paging == Paging::Whole && !self.settings.url.varies()
    }

    /// What the next page is asked by; nothing behind the last.
    fn next(
        &self,
        sweep: &Sweep,
        url: &reqwest::Url,
        page: &Page,
        last: Option<bool>,
    ) -> Result<Option<String>, Trouble> {
        match &self.settings.paging {
            Paging::Whole => Ok(None),
            Paging::Number { first } => {
                let at = sweep.next.as_ref().and_then(|at| at.parse().ok()).unwrap_or(*first);
                let over = last.unwrap_or(page.body.is_empty());
                Ok((!over).then(|| at.saturating_add(1).to_string()))
            }
            Paging::Body { next } => {
                let told = items::member(&page.body, next).map_err(|why| self.strange(&why))?;
                match told.filter(|told| !told.is_empty()) {
                    Some(told) if !self.settings.url.has_cursor() => {
                        self.followed(url, &told).map(Some)
                    }
                    told => Ok(told),
                }
            }
            Paging::Link => match &page.next {
                Some(told) => self.followed(url, told).map(Some),
                None => Ok(None),
            },
        }
    }

    /// An address that the server told, if it is the server's own: credentials go nowhere else.
    fn followed(&self, url: &reqwest::Url, told: &str) -> Result<String, Trouble> {
        let next = url.join(told).ok().filter(|next| next.origin() == url.origin());
        let elsewhere = || {
            Trouble::not_understood(
                format!("Trang tiếp theo không nằm ở {}; hệ thống không đi theo.", self.host()),
                format!("The next page is not at {}; the hub does not follow.", self.host()),
            )
        };
        next.map(|next| next.to_string()).ok_or_else(elsewhere)
    }

    /// The cursor behind a page.
    fn cursor(
        &self,
        place: &mut Place,
        sweep: &mut Sweep,
        next: &Option<String>,
        conditions: Option<Conditions>,
    ) -> String {
        sweep.next.clone_from(next);
        match next {
            Some(_) => place.sweep = Some(sweep.clone()),
            None => {
                place.sweep = None;
                place.since = sweep.watermark(place.since.take());
                place.conditions = conditions.filter(|_| self.is_one_page());
            }
        }
        place.write()
    }

    fn host(&self) -> String {
        self.settings.url.host()
    }

    fn strange(&self, why: &Bilingual) -> Trouble {
        let host = self.host();
        Trouble::not_understood(
            format!("Câu trả lời của {host} không như cấu hình kênh: {}", why.vi),
            format!("The answer of {host} is not what the channel's settings say: {}", why.en),
        )
    }

    fn goes_round(&self) -> Trouble {
        Trouble::not_understood(
            format!("{} dẫn lại trang đã đọc trong cùng lượt; hệ thống dừng.", self.host()),
            format!("{} leads back to a page of the same turn; reading stops.", self.host()),
        )
    }
}

impl Reader for RestPoll {
    fn turn(self: Arc<Self>, turn: Turn) -> BoxFuture<'static, Result<Ended, Trouble>> {
        Box::pin(async move { self.sweep(turn).await })
    }
}

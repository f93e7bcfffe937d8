//! What reports there are, and what was frozen.

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    auth::Principal,
    operations::Operations,
    registry::report::{Form, FreezeText, ReportCalendar, Rows},
    store::{StoreError, freezes::Freeze},
};

/// A form in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ListedForm {
    id: String,
    number_vi: String,
    title_vi: String,
    title_en: String,
    rows: Rows,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_to: Option<Date>,
}

/// A freeze as it is told.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = Freeze)]
pub struct ToldFreeze {
    /// Its position in the journal.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: String,
    /// What it says.
    #[serde(flatten)]
    pub text: FreezeText,
}

impl From<Freeze> for ToldFreeze {
    fn from(freeze: Freeze) -> Self {
        let Freeze { position, recorded_at, text } = freeze;
        Self { position, recorded_at: recorded_at.to_string(), text }
    }
}

/// What reports there are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportList {
    /// Forms.
    pub forms: Vec<ListedForm>,
    /// Calendars of periods; the first is taken where none is named.
    pub calendars: Vec<ReportCalendar>,
    /// Reports that were frozen, in the order in which that was done.
    pub freezes: Vec<ToldFreeze>,
    /// The position after which the next freezes stand, where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// The journal position the answer is true at.
    pub as_of: u64,
}

impl Operations {
    /// What reports there are, and at most so many that were frozen after a position. An agency is
    /// told only of its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn reports(
        &self,
        who: &Principal,
        after: Option<u64>,
        limit: u32,
    ) -> Result<ReportList, StoreError> {
        let as_of = self.store.head().await?.tree.size;
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let forms = edition.and_then(|one| one.catalogue.reports.clone()).unwrap_or_default();
        let found = self.store.freezes(after, limit).await?;
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
        let next = found.last().map(|freeze| freeze.position).filter(|_| is_full);
        let seen = |freeze: &Freeze| match who {
            Principal::Agency(own) => freeze.text.of.agency == *own,
            Principal::Portal | Principal::Reporting(_) | Principal::Operator => true,
        };
        let listed = |form: Form| ListedForm {
            id: form.id,
            number_vi: form.number_vi,
            title_vi: form.title_vi,
            title_en: form.title_en,
            rows: form.rows,
            valid_from: form.valid_from,
            valid_to: form.valid_to,
        };
        Ok(ReportList {
            forms: forms.form.into_iter().map(listed).collect(),
            calendars: forms.calendar,
            freezes: found.into_iter().filter(seen).map(ToldFreeze::from).collect(),
            next,
            as_of,
        })
    }
}

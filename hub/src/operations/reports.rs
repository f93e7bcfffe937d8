//! Reports: forms filled with the numbers of a period, what was frozen of them, and the difference.

mod list;
mod refusal;
mod written;

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use super::{Operations, STATISTIC_DAYS_MAX, statistics::hides};
use crate::{
    auth::Principal,
    registry::{
        Catalogue, Dimension, Measure,
        catalogue::Dated,
        measure::day_number,
        report::{
            Cells, Difference, Filling, Form, Forms, Frozen, Numbers, Period, Report,
            ReportCalendar, ReportPeriod, Rows, fill,
        },
    },
    store::{
        CellQuery, StoreError,
        freezes::{Freeze, Freezing},
    },
};

pub use list::{ReportList, ToldFreeze};
pub use refusal::NoReport;
pub use written::{WrittenReport, WrittenReports};

/// Which figures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// The frozen ones where the report was frozen, else those of now.
    Standing,
    /// Those of now, or of the position asked for.
    Now,
    /// Those that were frozen.
    Frozen,
    /// Both, cell by cell.
    Difference,
}

/// Which report is asked for.
#[derive(Debug, Clone)]
pub struct ReportQuestion {
    /// The form's id.
    pub form: String,
    /// The period.
    pub period: Period,
    /// The calendar that cuts it; the first of the catalogue where absent.
    pub calendar: Option<String>,
    /// The agency; all of the province where absent.
    pub agency: Option<String>,
    /// Position.
    pub as_of: Option<u64>,
    /// Which figures.
    pub figures: Figures,
}

/// A report, and the text that it is in JSON.
#[derive(Debug)]
pub struct ReportText {
    /// The report.
    pub report: Report,
    /// Its text: of a frozen one the very bytes that were frozen.
    pub text: Vec<u8>,
    /// The freeze, where these are its figures.
    pub freeze: Option<Freeze>,
}

/// What a question for a report gives.
#[derive(Debug)]
pub enum ReportAnswer {
    /// A report.
    Report(Box<ReportText>),
    /// What has changed since the freeze.
    Difference(Box<Difference>, Freeze),
}

/// A question with all that it is answered by.
struct Asked {
    catalogue: Arc<Catalogue>,
    period: ReportPeriod,
    agency: Option<String>,
    as_of: u64,
    today: Date,
}

impl Asked {
    fn forms(&self) -> Result<&Forms, NoReport> {
        self.catalogue.reports.as_ref().ok_or(NoReport::NoForms)
    }

    /// What its freeze is of.
    fn of(&self, form: &str) -> Frozen {
        let calendar = self.period.calendar.as_ref();
        Frozen {
            form: form.to_owned(),
            period: self.period.text.clone(),
            calendar: calendar.map(|one| one.id.clone()).unwrap_or_default(),
            agency: self.agency.clone().unwrap_or_default(),
        }
    }
}

fn text(report: &Report) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(report).map_err(|error| StoreError::fault(error.to_string()))
}

impl Operations {
    /// A report. The portal is told what everybody may see.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn report(
        &self,
        who: &Principal,
        question: &ReportQuestion,
        today: Date,
    ) -> Result<ReportAnswer, NoReport> {
        let asked = self.asked(who, question, today).await?;
        let Some(few) = hides(who, self.few) else { return self.whole(&asked, question).await };
        let forms = asked.forms()?;
        let form = forms.form(&question.form, asked.period.to);
        let form = form.ok_or_else(|| NoReport::unknown_form(forms))?;
        let mut answer = self.whole(&asked, question).await?;
        match &mut answer {
            // What is left out of either side, the other and the change would tell.
            ReportAnswer::Difference(..) => return Err(NoReport::NotForEverybody),
            ReportAnswer::Report(told) => {
                if told.report.leave_out(form, few) {
                    told.text = text(&told.report)?;
                }
            }
        }
        Ok(answer)
    }

    async fn whole(
        &self,
        asked: &Asked,
        question: &ReportQuestion,
    ) -> Result<ReportAnswer, NoReport> {
        let looks = match question.figures {
            Figures::Now => false,
            Figures::Standing => question.as_of.is_none(),
            Figures::Frozen | Figures::Difference => true,
        };
        let found = match looks {
            true => self.store.frozen(asked.of(&question.form)).await?,
            false => None,
        };
        match (found, question.figures) {
            (None, Figures::Frozen | Figures::Difference) => Err(NoReport::NotFrozen),
            (None, _) => {
                let report = self.filled(asked, &question.form).await?;
                let text = text(&report)?;
                Ok(ReportAnswer::Report(Box::new(ReportText { report, text, freeze: None })))
            }
            (Some((freeze, text)), figures) => {
                let position = freeze.position;
                let damaged = |error| {
                    StoreError::fault(format!(
                        "the report frozen at {position} is damaged: {error}"
                    ))
                };
                let report: Report = serde_json::from_slice(&text).map_err(damaged)?;
                if figures != Figures::Difference {
                    let freeze = Some(freeze);
                    return Ok(ReportAnswer::Report(Box::new(ReportText { report, text, freeze })));
                }
                let now = self.filled(asked, &question.form).await?;
                Ok(ReportAnswer::Difference(Box::new(Difference::new(&report, &now)), freeze))
            }
        }
    }

    /// Freezes a report as it is now. One that was frozen before stays as it is; gives the freeze
    /// that stands, and whether it is new.
    ///
    /// # Errors
    /// Why it cannot be frozen.
    pub async fn freeze(
        &self,
        who: &Principal,
        question: &ReportQuestion,
        today: Date,
    ) -> Result<(ToldFreeze, bool), NoReport> {
        if *who != Principal::Operator {
            return Err(NoReport::NotOperator);
        }
        let question = ReportQuestion { as_of: None, ..question.clone() };
        let asked = self.asked(who, &question, today).await?;
        let of = asked.of(&question.form);
        if let Some((freeze, _)) = self.store.frozen(of.clone()).await? {
            return Ok((freeze.into(), false));
        }
        let (from, to) = (asked.period.from, asked.period.to);
        if to >= today {
            return Err(NoReport::NotOver { to });
        }
        let report = self.filled(&asked, &question.form).await?;
        let (as_of, report) = (asked.as_of, text(&report)?);
        let freezing = Freezing { of, from, to, as_of, report };
        let (freeze, is_new) = self.store.freeze(freezing).await?;
        Ok((freeze.into(), is_new))
    }

    async fn asked(
        &self,
        who: &Principal,
        question: &ReportQuestion,
        today: Date,
    ) -> Result<Asked, NoReport> {
        let agency = match (who, &question.agency) {
            (Principal::Agency(own), Some(other)) if other != own => {
                return Err(NoReport::NotYours);
            }
            (Principal::Agency(own), _) => Some(own.clone()),
            (_, agency) => agency.clone(),
        };
        let size = self.store.head().await?.tree.size;
        let as_of = question.as_of.map_or(size, |as_of| as_of.min(size));
        let edition = self.published.edition(&*self.store, Some(as_of)).await?;
        let catalogue = edition.ok_or(NoReport::NoForms)?.catalogue.clone();
        let forms = catalogue.reports.as_ref().ok_or(NoReport::NoForms)?;
        if !forms.form.iter().any(|form| form.id == question.form) {
            return Err(NoReport::unknown_form(forms));
        }
        let period = period(forms, question)?;
        if day_number(period.to).saturating_sub(day_number(period.from)) >= STATISTIC_DAYS_MAX {
            return Err(NoReport::TooLong);
        }
        if let Some(id) = &agency
            && !catalogue.agencies.iter().any(|one| one.id == *id)
        {
            return Err(NoReport::UnknownAgency(id.clone()));
        }
        Ok(Asked { period, agency, as_of, today, catalogue })
    }

    async fn filled(&self, asked: &Asked, form: &str) -> Result<Report, NoReport> {
        let forms = asked.forms()?;
        let Some(form) = forms.form(form, asked.period.to) else {
            return Err(NoReport::unknown_form(forms));
        };
        let cells = match form.is_of_catalogue() {
            true => published(&asked.catalogue, asked.period.to),
            false => self.cells(asked, form).await?,
        };
        let filling = Filling {
            form,
            forms,
            catalogue: &asked.catalogue,
            period: asked.period.clone(),
            agency: asked.agency.as_deref(),
            as_of: asked.as_of,
            today: asked.today,
        };
        Ok(fill(filling, &cells))
    }

    /// The numbers of a period, and those of the day before it, true at one position.
    async fn cells(&self, asked: &Asked, form: &Form) -> Result<Cells, StoreError> {
        let (by, only) = match form.rows {
            Rows::Agencies => (vec![Dimension::Agency], None),
            Rows::Fields => (vec![Dimension::Agency, Dimension::Field], asked.agency.clone()),
        };
        let (from, to) = (day_number(asked.period.from), day_number(asked.period.to));
        let query = |measures: &[Measure], from, to| CellQuery {
            measures: measures.iter().map(|measure| measure.name()).collect(),
            by: by.iter().copied().collect(),
            only: only.iter().map(|id| (Dimension::Agency, id.clone())).collect(),
            by_day: false,
            from,
            to,
            as_of: Some(asked.as_of),
        };
        let mut cells = Cells::new();
        let key = |place: &crate::registry::Place| (place.agency.clone(), place.field.clone());
        for row in self.store.statistics(query(&Numbers::MEASURES, from, to)).await?.rows {
            cells.entry(key(&row.place)).or_default().add(row.measure, row.n);
        }
        let before = from.saturating_sub(1);
        for row in self.store.statistics(query(&[Measure::Open], before, before)).await?.rows {
            cells.entry(key(&row.place)).or_default().add_before(row.measure, row.n);
        }
        Ok(cells)
    }
}

/// The days that a question is of.
fn period(forms: &Forms, question: &ReportQuestion) -> Result<ReportPeriod, NoReport> {
    let wanted = question.calendar.as_ref();
    let mut own = forms.calendar.iter().filter(|one| wanted.is_none_or(|id| one.id == *id));
    let Some(first) = own.next() else {
        let known: BTreeSet<&String> = forms.calendar.iter().map(|one| &one.id).collect();
        return Err(NoReport::UnknownCalendar { known: known.into_iter().cloned().collect() });
    };
    // An id may stand for one way of cutting until a day, and for another since.
    let versions = forms.calendar.iter().filter(|one| one.id == first.id);
    let cut = |one: &ReportCalendar| ReportPeriod::new(question.period, Some(one));
    for one in versions {
        let period = cut(one);
        if !question.period.has_calendar() || one.stands(period.to) {
            return Ok(period);
        }
    }
    Err(NoReport::OutsideCalendar(Box::new(first.clone())))
}

/// The procedures in force on a day, by agency and level.
fn published(catalogue: &Catalogue, on: Date) -> Cells {
    let mut cells = Cells::new();
    for one in catalogue.procedures.iter().filter(|one| one.stands(on)) {
        let level = ["province", "district", "commune"].iter().position(|id| *id == one.level);
        let numbers = cells.entry((one.agency.clone(), String::new())).or_default();
        if let Some(level) = level {
            numbers.add_procedure(level, (one.one_stop, one.internal_process));
        }
    }
    cells
}

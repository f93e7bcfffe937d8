//! By what reports are made: `reports.toml` of a catalogue's folder, proved before it is used.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;
use toml::Spanned;

use super::{cell::Faults, declared::Declared};
use crate::registry::{
    Catalogue,
    catalogue::Dated,
    report::{AssertedOf, Assertion, Form, Forms, Level, ReportCalendar},
};

/// The file.
pub(super) const FILE: &str = "reports.toml";

/// The last day that every month has, but for the one that ends it.
const CUTOFF_MAX: i8 = 27;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    calendar: Vec<Spanned<ReportCalendar>>,
    level: Vec<Spanned<Level>>,
    form: Vec<Spanned<Form>>,
    #[serde(default)]
    assertion: Vec<Spanned<Assertion>>,
}

/// Reads and proves the forms; none where they have a fault.
pub(super) fn reports(folder: &Path, catalogue: &Catalogue, found: &mut Faults) -> Option<Forms> {
    let read = Declared::read::<File>(folder, FILE, "docs/reports.md");
    let (declared, file) = read.map_err(|fault| found.push(*fault)).ok()?;
    let before = found.len();
    let mut proof = Proof { declared: &declared, found };
    if file.calendar.is_empty() {
        let message = "no calendar of reporting periods".to_owned();
        proof.fault(&(0..0), message, "add a [[calendar]]");
    }
    proof.apart(&file.calendar, "calendar");
    proof.apart(&file.form, "form");
    for one in &file.calendar {
        let cutoff = one.get_ref().cutoff_day;
        if cutoff.is_some_and(|day| !(1..=CUTOFF_MAX).contains(&day)) {
            let message = "a period ends on a day that not every month has".to_owned();
            let advice = "write a cutoff_day from 1 to 27, or leave it out: the month's last day";
            proof.fault(&one.span(), message, advice);
        }
    }
    proof.levels(&file.level);
    let levels: BTreeSet<&str> = file.level.iter().map(|one| one.get_ref().id.as_str()).collect();
    for one in &file.form {
        if let Some((message, advice)) = one.get_ref().fault() {
            proof.fault(&one.span(), message, advice);
        }
        let unknown = one.get_ref().levels.iter().find(|id| !levels.contains(id.as_str()));
        if let Some(id) = unknown {
            let message = format!("`{id}` is no level of this file");
            proof.fault(&one.span(), message, "write the id of a [[level]]");
        }
    }
    proof.assertions(&file, catalogue);
    fn plain<T: Clone>(all: &[Spanned<T>]) -> Vec<T> {
        all.iter().map(|one| one.get_ref().clone()).collect()
    }
    (found.len() == before).then(|| Forms {
        calendar: plain(&file.calendar),
        level: plain(&file.level),
        form: plain(&file.form),
        assertion: plain(&file.assertion),
    })
}

struct Proof<'a> {
    declared: &'a Declared,
    found: &'a mut Faults,
}

impl Proof<'_> {
    fn fault(&mut self, span: &std::ops::Range<usize>, message: String, advice: &str) {
        self.found.push(self.declared.fault(span, message, advice));
    }

    /// Versions of one id must not hold on the same day, and each must end behind its beginning.
    fn apart<T: Dated>(&mut self, all: &[Spanned<T>], kind: &str) {
        for (at, told) in all.iter().enumerate() {
            let one = told.get_ref();
            if one.code().is_empty() {
                let message = format!("a {kind} has no id");
                self.fault(&told.span(), message, "write its id");
            }
            if one.first().zip(one.last()).is_some_and(|(first, last)| last < first) {
                let message = "the last day in force lies before the first".to_owned();
                self.fault(&told.span(), message, "write the last day on which it holds");
            }
            let mut others = all.iter().take(at).map(Spanned::get_ref);
            if others.any(|other| other.code() == one.code() && other.meets(one)) {
                let message = format!("the {kind} `{}` holds twice on some day", one.code());
                let advice = "end the one before the other begins: valid_to is the last day";
                self.fault(&told.span(), message, advice);
            }
        }
    }

    fn levels(&mut self, all: &[Spanned<Level>]) {
        let (mut ids, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for told in all {
            let level = told.get_ref();
            if !ids.insert(&level.id) {
                let message = format!("the level `{}` stands twice", level.id);
                self.fault(&told.span(), message, "keep one of them");
            }
            if let Some(kind) = level.kinds.iter().find(|kind| !kinds.insert(*kind)) {
                let message = format!("agencies of kind `{kind}` are of two levels");
                self.fault(&told.span(), message, "name each kind once");
            }
        }
    }

    fn assertions(&mut self, file: &File, catalogue: &Catalogue) {
        for told in &file.assertion {
            let one = told.get_ref();
            if !file.form.iter().any(|form| form.get_ref().id == one.form) {
                let message = format!("`{}` is no form of this file", one.form);
                self.fault(&told.span(), message, "write the id of a [[form]]");
            }
            if let AssertedOf::Units(_, province) = &one.of
                && !catalogue.units.iter().any(|unit| unit.code == *province)
            {
                let message = format!("`{province}` is in no row of units.csv");
                self.fault(&told.span(), message, "write the code of a province");
            }
        }
    }
}

//! A form filled with numbers.

use std::collections::{BTreeMap, BTreeSet};

use contracts::agency::Agency;
use jiff::civil::Date;
use mappings::text::normalise::toned_key;

use super::{
    Check, Fault, Figure, Form, Forms, Heading, Identity, Named, Note, Numbers, Report,
    ReportPeriod, ReportRow, RowKind, Rows,
};
use crate::registry::{Catalogue, catalogue::Dated, search};

/// The numbers by agency and field; the field is empty where rows are agencies.
pub type Cells = BTreeMap<(String, String), Numbers>;

/// What a form is filled from.
#[derive(Debug)]
pub struct Filling<'a> {
    /// The form.
    pub form: &'a Form,
    /// All that reports are made by.
    pub forms: &'a Forms,
    /// The catalogue of the position.
    pub catalogue: &'a Catalogue,
    /// The days.
    pub period: ReportPeriod,
    /// Only this agency, or where rows are agencies it and those below it.
    pub agency: Option<&'a str>,
    /// The position that the numbers are true at.
    pub as_of: u64,
    /// Today, in Vietnam.
    pub today: Date,
}

/// What an agency was at the end of a period, or last before.
fn version<'a>(catalogue: &'a Catalogue, id: &str, on: Date) -> Option<&'a Agency> {
    let own = || catalogue.agencies.iter().filter(|one| one.id == id);
    own().find(|one| one.stands(on)).or_else(|| own().next_back())
}

fn named(agency: &Agency) -> Named {
    Named {
        id: agency.id.clone(),
        name_vi: agency.name_vi.clone(),
        name_en: agency.name_en.clone(),
    }
}

/// A group of rows: its heading, and each row's name with its numbers.
struct Group {
    named: Named,
    rows: Vec<(Named, Numbers)>,
}

impl Filling<'_> {
    /// Whether an agency is of the report's scope.
    fn covers(&self, id: &str) -> bool {
        let Some(wanted) = self.agency else { return true };
        let (mut at, mut steps) = (Some(id), 0);
        while let Some(id) = at.filter(|_| steps < 8) {
            if id == wanted {
                return true;
            }
            let above = version(self.catalogue, id, self.period.to);
            at = above.and_then(|one| one.parent.as_deref());
            at = at.filter(|_| self.form.rows == Rows::Agencies);
            steps += 1;
        }
        false
    }

    /// The places among all levels that the form is of, in its order.
    fn levels(&self) -> Vec<usize> {
        let all = &self.forms.level;
        match self.form.levels.is_empty() {
            true => (0..all.len()).collect(),
            false => {
                let place = |id: &String| all.iter().position(|level| level.id == *id);
                self.form.levels.iter().filter_map(place).collect()
            }
        }
    }

    /// The group of an agency: the place of its level; the last for one that no level has.
    fn group_of(&self, id: &str, levels: &[usize]) -> Option<usize> {
        let agency = version(self.catalogue, id, self.period.to);
        match agency.and_then(|one| self.forms.level_of(&one.kind)) {
            Some(level) => levels.iter().position(|one| *one == level),
            None => Some(levels.len()),
        }
    }

    fn groups(&self, levels: &[usize]) -> Vec<Group> {
        let heading = |level: &usize| self.forms.level.get(*level);
        let named = levels.iter().filter_map(heading).map(|level| Named {
            id: level.id.clone(),
            name_vi: level.name_vi.clone(),
            name_en: level.name_en.clone(),
        });
        let unknown = Named {
            id: String::new(),
            name_vi: "Cơ quan chưa có trong danh mục".to_owned(),
            name_en: "Agencies that the catalogue has not".to_owned(),
        };
        named.chain([unknown]).map(|named| Group { named, rows: Vec::new() }).collect()
    }

    fn by_agency(&self, cells: &Cells) -> Vec<Group> {
        let levels = self.levels();
        let mut groups = self.groups(&levels);
        let mut sums: BTreeMap<&str, Numbers> = BTreeMap::new();
        for ((agency, _), numbers) in cells {
            sums.entry(agency).or_default().add_all(numbers);
        }
        let (from, to) = (self.period.from, self.period.to);
        let there = |one: &&Agency| {
            one.first().is_none_or(|first| first <= to)
                && one.last().is_none_or(|last| from <= last)
        };
        let listed = self.catalogue.agencies.iter().filter(there).map(|one| one.id.as_str());
        let mut seen = BTreeSet::new();
        for id in listed.chain(sums.keys().copied()) {
            if !seen.insert(id) || !self.covers(id) {
                continue;
            }
            let group = self.group_of(id, &levels).and_then(|at| groups.get_mut(at));
            let Some(group) = group else { continue };
            let name = version(self.catalogue, id, to).map_or_else(
                || Named { id: id.to_owned(), name_vi: id.to_owned(), name_en: id.to_owned() },
                named,
            );
            group.rows.push((name, sums.get(id).copied().unwrap_or_default()));
        }
        groups
    }

    fn by_field(&self, cells: &Cells) -> Vec<Group> {
        let levels = self.levels();
        let mut groups = self.groups(&levels);
        let mut sums: Vec<BTreeMap<&str, Numbers>> = vec![BTreeMap::new(); groups.len()];
        for ((agency, field), numbers) in cells {
            let group = self.group_of(agency, &levels).filter(|_| self.covers(agency));
            if let Some(sums) = group.and_then(|at| sums.get_mut(at)) {
                sums.entry(field).or_default().add_all(numbers);
            }
        }
        for (group, sums) in groups.iter_mut().zip(sums) {
            let rows = sums.into_iter().filter(|(_, numbers)| !numbers.is_empty());
            group.rows = rows.map(|(field, numbers)| (field_named(field), numbers)).collect();
            group.rows.sort_by_cached_key(|(named, _)| {
                (
                    named.id.is_empty(),
                    search::sort_key(&toned_key(&named.name_vi)),
                    named.id.clone(),
                )
            });
        }
        groups
    }

    fn checks(&self, rows: &[ReportRow]) -> Vec<Check> {
        let places: BTreeMap<u32, usize> =
            (0..).zip(self.form.counted()).map(|(at, (column, _))| (column.number, at)).collect();
        let sum = |row: &ReportRow, columns: &[u32]| -> Option<i64> {
            let figure = |number: &u32| *row.figures.get(*places.get(number)?)?;
            columns.iter().map(figure).sum()
        };
        let check = |identity: &Identity| {
            let both = |row| Some((sum(row, &identity.left)?, sum(row, &identity.right)?));
            let off = (0..).zip(rows).filter_map(|(at, row)| Some((at, both(row)?)));
            let faults: Vec<Fault> = off
                .filter(|(_, (left, right))| left != right)
                .map(|(row, (left, right))| Fault { row, left, right })
                .collect();
            Check { identity: identity.clone(), holds: faults.is_empty(), faults }
        };
        self.form.identity.iter().map(check).collect()
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes = self.form.note.clone();
        if self.period.to >= self.today {
            notes.push(Note {
                vi: "Kỳ báo cáo chưa kết thúc: số liệu còn thay đổi.".to_owned(),
                en: "The period is not over: figures will still change.".to_owned(),
            });
        }
        notes
    }
}

fn field_named(field: &str) -> Named {
    let told = |vi: &str, en: &str| Named {
        id: field.to_owned(),
        name_vi: vi.to_owned(),
        name_en: en.to_owned(),
    };
    if field.is_empty() {
        told("Chưa rõ lĩnh vực", "Field not told")
    } else {
        told(field, field)
    }
}

fn roman(number: usize) -> String {
    const NUMBERS: [&str; 10] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"];
    NUMBERS.get(number - 1).map_or_else(|| number.to_string(), |text| (*text).to_owned())
}

/// Fills a form. Nothing is rounded or made to agree: where an identity does not hold, its check
/// says so.
pub fn fill(filling: Filling<'_>, cells: &Cells) -> Report {
    let form = filling.form;
    let groups = match form.rows {
        Rows::Fields => filling.by_field(cells),
        Rows::Agencies => filling.by_agency(cells),
    };
    let figures: Vec<Figure> = form.counted().map(|(_, figure)| figure).collect();
    let row = |kind, index: String, named, numbers: &Numbers| ReportRow {
        kind,
        index,
        named,
        figures: figures.iter().map(|figure| figure.of(numbers)).collect(),
        suppressed: false,
    };
    let (mut rows, mut total) = (Vec::new(), Numbers::default());
    let filled = groups.into_iter().filter(|group| !group.rows.is_empty());
    for (number, group) in (1..).zip(filled) {
        let mut sum = Numbers::default();
        group.rows.iter().for_each(|(_, numbers)| sum.add_all(numbers));
        total.add_all(&sum);
        rows.push(row(RowKind::Group, roman(number), group.named, &sum));
        for (index, (named, numbers)) in (1_usize..).zip(group.rows) {
            rows.push(row(RowKind::Row, index.to_string(), named, &numbers));
        }
    }
    let all =
        Named { id: String::new(), name_vi: "Tổng số".to_owned(), name_en: "Total".to_owned() };
    rows.push(row(RowKind::Total, String::new(), all, &total));
    let heading = |column: &super::Column| Heading {
        number: column.number,
        vi: column.vi.clone(),
        en: column.en.clone(),
    };
    let of_form = filling.forms.assertion.iter().filter(|one| one.form == form.id);
    Report {
        form: form.id.clone(),
        number_vi: form.number_vi.clone(),
        title_vi: form.title_vi.clone(),
        title_en: form.title_en.clone(),
        legal_basis: form.legal_basis.clone(),
        unit_vi: form.unit_vi.clone(),
        unit_en: form.unit_en.clone(),
        agency: filling
            .agency
            .and_then(|id| version(filling.catalogue, id, filling.period.to))
            .map(named),
        as_of: filling.as_of,
        columns: form.column.iter().map(heading).collect(),
        checks: filling.checks(&rows),
        rows,
        assertions: of_form.map(|one| one.compare(filling.catalogue)).collect(),
        notes: filling.notes(),
        period: filling.period,
    }
}

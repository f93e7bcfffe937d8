//! Communes, districts and agencies, as of the record's day.

use std::borrow::Cow;

use contracts::problem;
use jiff::civil::Date;

use super::{Bound, Fault, Function, Given, Kind, Scene, Value, exactly};
use crate::{
    gazetteer::{Commune, Miss},
    path::{Found, Namespaces, Path},
};

/// The record's day; with none, the last day of the list, so that a current code resolves.
fn day(scene: &Scene<'_>) -> Date {
    scene.day.unwrap_or(Date::MAX)
}

fn code(found: Result<&Commune, Miss>) -> Given<'_> {
    match found {
        Ok(commune) => Ok(Some(Value::Text(Cow::Borrowed(&commune.code)))),
        Err(Miss::Unknown) => Err(Fault(&problem::UNKNOWN_UNIT)),
        Err(Miss::Ambiguous) => Err(Fault(&problem::AMBIGUOUS_UNIT)),
    }
}

pub(super) const COMMUNE: Function = Function {
    name: "commune",
    usage: "commune",
    takes: &[Kind::Text],
    summary: "A commune code, checked to be in force on the record's day.",
    examples: &[("commune", "25993", "25993"), ("commune", "99999", "!unknown-unit")],
    bind: |arguments, _| {
        exactly(arguments, 0, "commune")?;
        Ok(Bound::new(Kind::Text, |value, scene| {
            code(scene.gazetteer.by_code(&value.into_text(), day(scene)))
        }))
    },
};

pub(super) const COMMUNE_NAMED: Function = Function {
    name: "commune_named",
    usage: "commune_named DISTRICT_PATH",
    takes: &[Kind::Text],
    summary: "The code of a commune by its name and the district that another field names.",
    examples: &[
        ("commune_named HUYEN", "Xã Đại Phước", "26476"),
        ("commune_named HUYEN", "Không Có", "!unknown-unit"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "commune_named DISTRICT_PATH")?;
        let path =
            Path::parse(arguments.first().map_or("", |word| &word.text), &Namespaces::new())?;
        Ok(Bound::new(Kind::Text, move |value, scene| {
            let district = match path.find(scene.document, scene.record) {
                Found::Nothing => None,
                Found::One(id) | Found::Several(id) => Some(scene.document.text(id).trim()),
            };
            let district = district.filter(|name| !name.is_empty());
            code(scene.gazetteer.by_name(&value.into_text(), district, day(scene)))
        }))
    },
};

pub(super) const COMMUNE_IN_ADDRESS: Function = Function {
    name: "commune_in_address",
    usage: "commune_in_address",
    takes: &[Kind::Text],
    summary: "The code of the commune that an address ends with; absent when it names none.",
    examples: &[
        ("commune_in_address", "112 Bùi Văn Hòa, phường Long Bình Tân, Biên Hòa", "26056"),
        ("commune_in_address", "Khu phố 2", "-"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "commune_in_address")?;
        Ok(Bound::new(Kind::Text, |value, scene| {
            let found = scene.gazetteer.in_address(&value.into_text(), day(scene));
            Ok(found.ok().map(|commune| Value::Text(Cow::Borrowed(&commune.code))))
        }))
    },
};

pub(super) const DISTRICT: Function = Function {
    name: "district",
    usage: "district",
    takes: &[Kind::Text],
    summary: "The district code of a commune code; absent where there are no districts.",
    examples: &[("district", "25993", "731"), ("district", "99999", "!unknown-unit")],
    bind: |arguments, _| {
        exactly(arguments, 0, "district")?;
        Ok(Bound::new(Kind::Text, |value, scene| {
            match scene.gazetteer.by_code(&value.into_text(), day(scene)) {
                Ok(commune) if commune.district_code.is_empty() => Ok(None),
                Ok(commune) => Ok(Some(Value::Text(Cow::Borrowed(&commune.district_code)))),
                Err(_) => Err(Fault(&problem::UNKNOWN_UNIT)),
            }
        }))
    },
};

pub(super) const AGENCY: Function = Function {
    name: "agency",
    usage: "agency",
    takes: &[Kind::Text],
    summary: "The hub id of an agency by its name or id, checked to stand on the record's day.",
    examples: &[
        ("agency", "UBND Tp. Biên Hoà", "ubnd-bien-hoa"),
        ("agency", "Sở Xây dựng", "so-xay-dung"),
        ("agency", "Sở Mây", "!unknown-unit"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "agency")?;
        Ok(Bound::new(Kind::Text, |value, scene| {
            match scene.gazetteer.agency(&value.into_text(), day(scene)) {
                Ok(id) => Ok(Some(Value::Text(Cow::Borrowed(id)))),
                Err(Miss::Unknown) => Err(Fault(&problem::UNKNOWN_UNIT)),
                Err(Miss::Ambiguous) => Err(Fault(&problem::AMBIGUOUS_UNIT)),
            }
        }))
    },
};

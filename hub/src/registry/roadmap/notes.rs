//! Where the plan's own figures agree, and where they do not: reckoned from its data, shown beside
//! every answer, and never mended.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    facts::Facts,
    plan::{Plan, Stated, Words},
};
use crate::registry::catalogue::Dated;

/// One comparison of figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RoadmapNote)]
pub struct Note {
    /// What is compared.
    pub code: &'static str,
    /// Whether they agree.
    pub agrees: bool,
    /// In words.
    #[serde(flatten)]
    pub words: Words,
}

/// A number written as in Vietnamese: 3.000.000.
pub fn dotted(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

fn note(code: &'static str, agrees: bool, vi: String, en: String) -> Note {
    Note { code, agrees, words: Words { vi, en } }
}

/// Levels of government in the order in which the plan counts procedures.
const LEVELS: [&str; 3] = ["province", "district", "commune"];

/// All comparisons.
pub(super) fn notes(plan: &Plan, facts: &Facts<'_>) -> Vec<Note> {
    let mut all = sums(plan);
    all.extend(prices(plan));
    all.extend(ends(plan));
    all.extend(catalogue(plan, facts));
    all
}

fn sums(plan: &Plan) -> Vec<Note> {
    let Stated { procedures, by_level, priced_procedures, .. } = plan.stated;
    let [province, district, commune] = by_level;
    let sum: u32 = by_level.iter().sum();
    let two = province + district;
    vec![
        note(
            "procedures-by-level",
            sum == procedures,
            format!("{province} + {district} + {commune} = {sum}; kế hoạch ghi {procedures}."),
            format!("{province} + {district} + {commune} = {sum}; the plan says {procedures}."),
        ),
        note(
            "procedures-of-the-aim",
            two == priced_procedures,
            format!(
                "Thủ tục cấp tỉnh và cấp huyện: {province} + {district} = {two}; kinh phí tính \
                 theo {priced_procedures} thủ tục."
            ),
            format!(
                "Procedures of province and districts: {province} + {district} = {two}; the \
                 budget is reckoned by {priced_procedures}."
            ),
        ),
    ]
}

fn prices(plan: &Plan) -> Vec<Note> {
    let Stated { priced_procedures, price, budget, .. } = plan.stated;
    let product = u64::from(priced_procedures).saturating_mul(price);
    let amounts: Vec<u64> = plan.wave.iter().filter_map(|wave| wave.estimate).collect();
    let sum: u64 = amounts.iter().sum();
    let told = amounts.iter().map(|amount| dotted(*amount)).collect::<Vec<_>>().join(" + ");
    let (product_told, price_told) = (dotted(product), dotted(price));
    let (sum_told, budget_told) = (dotted(sum), dotted(budget));
    let mut all = vec![
        note(
            "budget-by-price",
            product == budget,
            format!(
                "{priced_procedures} thủ tục × {price_told} đồng = {product_told} đồng; kế hoạch \
                 ghi {budget_told} đồng."
            ),
            format!(
                "{priced_procedures} procedures × {price_told} đồng = {product_told} đồng; the \
                 plan says {budget_told} đồng."
            ),
        ),
        note(
            "budget-by-year",
            sum == budget,
            format!("{told} = {sum_told} đồng; kế hoạch ghi {budget_told} đồng."),
            format!("{told} = {sum_told} đồng; the plan says {budget_told} đồng."),
        ),
    ];
    // The price is one of bringing a procedure to the level of the first wave.
    let step = plan.wave.first().map_or(0, |wave| wave.step);
    let first = plan.wave.iter().filter(|wave| wave.step == step);
    let paid: u64 = first.filter_map(|wave| wave.estimate).sum();
    let bought = paid / price.max(1);
    all.push(note(
        "price-by-year",
        bought == u64::from(priced_procedures),
        format!(
            "Kinh phí của các đợt mức độ {step}: {} đồng, đủ cho {bought} thủ tục với giá \
             {price_told} đồng, không phải {priced_procedures}.",
            dotted(paid)
        ),
        format!(
            "The waves of level {step} have {} đồng: enough for {bought} procedures at \
             {price_told} đồng, not {priced_procedures}.",
            dotted(paid)
        ),
    ));
    all
}

fn ends(plan: &Plan) -> Vec<Note> {
    let mut all = Vec::new();
    for wave in &plan.wave {
        let Some(other) = wave.to_elsewhere.filter(|other| *other != wave.to) else { continue };
        all.push(note(
            "wave-ends-twice",
            false,
            format!(
                "{}: một chỗ ghi xong đến {}, chỗ khác ghi đến {other}. Tính theo {}.",
                wave.name.vi, wave.to, wave.to
            ),
            format!(
                "{}: to end by {} in one place, by {other} in another. Reckoned by {}.",
                wave.name.en, wave.to, wave.to
            ),
        ));
    }
    let by = plan.stated.all_by;
    let first = plan.wave.first().map_or(0, |wave| wave.step);
    for wave in plan.wave.iter().filter(|wave| wave.step == first && wave.to > by) {
        all.push(note(
            "all-procedures-by",
            false,
            format!(
                "Mục tiêu ghi tất cả thủ tục xong đến {by}; đợt \"{}\" đến {}.",
                wave.name.vi, wave.to
            ),
            format!(
                "The aims want all procedures by {by}; the wave \"{}\" ends {}.",
                wave.name.en, wave.to
            ),
        ));
    }
    all
}

/// What the catalogue has against what the plan says. Procedures shared by a kind of agencies are
/// one each.
fn catalogue(plan: &Plan, facts: &Facts<'_>) -> Vec<Note> {
    let Stated { on, departments, districts, communes, by_level, .. } = plan.stated;
    let catalogue = facts.catalogue();
    let standing = |wanted: &dyn Fn(&str) -> bool| {
        let own = catalogue.agencies.iter();
        own.filter(|one| one.parent.is_some() && one.stands(on) && wanted(&one.kind)).count()
    };
    let shared: Vec<&str> = plan.class.iter().map(|class| class.agency.as_str()).collect();
    let classes: Vec<&str> = {
        let kinds = catalogue.agencies.iter().filter(|one| shared.contains(&one.id.as_str()));
        kinds.map(|one| one.kind.as_str()).collect()
    };
    let above: HashMap<&str, &str> = {
        let standing = catalogue.units.iter().filter(|one| one.stands(on));
        standing.filter_map(|one| Some((one.code.as_str(), one.parent.as_deref()?))).collect()
    };
    let own = |code: &str| {
        let district = above.get(code).copied();
        let province = district.and_then(|code| above.get(code).copied());
        [district, province].contains(&Some(plan.stated.province.as_str()))
    };
    let communes_of = catalogue.units.iter().filter(|one| one.level == "commune");
    let old = communes_of.filter(|one| one.stands(on) && own(&one.code)).count();
    let procedures = |level: &str| {
        let own = catalogue.procedures.iter();
        own.filter(|one| one.level == level && one.stands(on)).count()
    };
    let counts = [
        (
            "departments",
            standing(&|kind| kind != "district" && !classes.contains(&kind)),
            departments,
            ("đơn vị trực thuộc tỉnh", "units of the province"),
        ),
        ("districts", standing(&|kind| kind == "district"), districts, ("huyện", "districts")),
        ("communes", old, communes, ("xã, phường, thị trấn", "communes")),
        (
            "province-procedures",
            procedures(LEVELS[0]),
            by_level[0],
            ("thủ tục cấp tỉnh", "procedures of the province"),
        ),
        (
            "district-procedures",
            procedures(LEVELS[1]),
            by_level[1],
            ("thủ tục cấp huyện", "procedures of districts"),
        ),
        (
            "commune-procedures",
            procedures(LEVELS[2]),
            by_level[2],
            ("thủ tục cấp xã", "procedures of communes"),
        ),
    ];
    let told = counts.into_iter().map(|(code, has, says, (vi, en))| {
        note(
            code,
            has == says as usize,
            format!("Danh mục ngày {on} có {has} {vi}; kế hoạch ghi {says}."),
            format!("The catalogue has {has} {en} on {on}; the plan says {says}."),
        )
    });
    told.collect()
}

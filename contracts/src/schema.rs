//! The contracts: JSON Schema 2020-12 documents, compiled once, that turn drafts into records.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use crate::compat::compatibility;
pub use crate::house::check;
pub use crate::split::join;
use crate::{
    form::Form,
    problem::{CONTRACT_BROKEN, LIMIT_EXCEEDED, MISSING_MEMBER, Problem},
    record::{Body, ContractId, Draft, Record},
};

/// Most problems reported for one draft.
pub const PROBLEMS_MAX: usize = 50;
/// Longest key of a record, in bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// The schemas this build carries: contract, text, and the text for its retractions where what it
/// tells can be withdrawn.
const BUILTIN: [(&str, &str, Option<&str>); 19] = [
    ("agency/1", include_str!("../schemas/agency/v1.schema.json"), Some(RETRACTION)),
    ("procedure/1", include_str!("../schemas/procedure/v1.schema.json"), Some(RETRACTION)),
    (
        "dossier/1",
        include_str!("../schemas/dossier/v1.schema.json"),
        Some(include_str!("../schemas/dossier-retraction/v1.schema.json")),
    ),
    ("progress/1", include_str!("../schemas/progress/v1.schema.json"), None),
    ("dossier-state/1", include_str!("../schemas/dossier-state/v1.schema.json"), None),
    ("feedback/1", include_str!("../schemas/feedback/v1.schema.json"), Some(RETRACTION)),
    (
        "feedback-answer/1",
        include_str!("../schemas/feedback-answer/v1.schema.json"),
        Some(RETRACTION),
    ),
    ("votes/1", include_str!("../schemas/votes/v1.schema.json"), Some(RETRACTION)),
    ("milestone/1", include_str!("../schemas/milestone/v1.schema.json"), Some(RETRACTION)),
    ("budget/1", include_str!("../schemas/budget/v1.schema.json"), Some(RETRACTION)),
    ("claimed-statistic/1", include_str!("../schemas/claimed-statistic/v1.schema.json"), None),
    ("finding/1", include_str!("../schemas/finding/v1.schema.json"), None),
    ("statistic-change/1", include_str!("../schemas/statistic-change/v1.schema.json"), None),
    ("notice/1", include_str!("../schemas/notice/v1.schema.json"), None),
    ("unit/1", include_str!("../schemas/unit/v1.schema.json"), None),
    ("request/1", include_str!("../schemas/request/v1.schema.json"), None),
    ("reply/1", include_str!("../schemas/reply/v1.schema.json"), None),
    ("application/1", include_str!("../schemas/application/v1.schema.json"), None),
    ("acknowledgement/1", include_str!("../schemas/acknowledgement/v1.schema.json"), None),
];

/// How records that are no dossiers' are withdrawn: one schema for all of them.
const RETRACTION: &str = include_str!("../schemas/record-retraction/v1.schema.json");

/// A contract cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contract {contract}: {}", reasons.join("; "))]
pub struct BadContract {
    /// The contract, as written.
    pub contract: String,
    /// What is wrong with it, each with a JSON pointer where there is one.
    pub reasons: Vec<String>,
}

/// The type of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A [`Moment`], written as text.
    Moment,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// One member of a contract, flattened.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Path such as `applicant.name`; `fees[]` is an item and `fees[].amount` its member.
    pub path: String,
    /// Types it may have.
    pub types: Vec<MemberType>,
    /// Whether its parent must hold it; false for items.
    pub required: bool,
    /// Whether it is personal data.
    pub personal: bool,
    /// The values it may take, if they are listed or a short range.
    pub allowed: Option<Vec<Value>>,
    /// Whether it is an object that takes members of any name (`attributes`).
    pub open: bool,
}

/// One compiled contract.
#[derive(Debug)]
pub struct Contract {
    id: ContractId,
    text: String,
    whole: Form,
    retraction: Option<Form>,
}

/// The contracts in force.
#[derive(Debug)]
pub struct Contracts {
    by_id: BTreeMap<ContractId, Contract>,
}

impl Contracts {
    /// Compiles the schemas this build carries. Costs milliseconds: do it once and share it.
    ///
    /// # Errors
    /// A schema that fails [`check`] or does not compile.
    pub fn builtin() -> Result<Self, BadContract> {
        let mut by_id = BTreeMap::new();
        for (id, text, retraction) in BUILTIN {
            let contract = Contract::compile(id, text, retraction)?;
            by_id.insert(contract.id.clone(), contract);
        }
        Ok(Self { by_id })
    }

    /// One contract.
    pub fn get(&self, id: &ContractId) -> Option<&Contract> {
        self.by_id.get(id)
    }

    /// All contracts, by name and major.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.by_id.values()
    }

    /// The schema of a contract.
    pub fn schema(&self, id: &ContractId) -> Option<&Value> {
        self.get(id).map(Contract::schema)
    }

    /// The members of a contract in schema order; empty for an unknown contract.
    pub fn members(&self, id: &ContractId) -> &[Member] {
        self.get(id).map_or(&[], Contract::members)
    }

    /// The members of a retraction under a contract; none where nothing of it is ever withdrawn.
    pub fn retraction_members(&self, id: &ContractId) -> Option<&[Member]> {
        self.get(id)?.retraction.as_ref().map(|form| form.members.as_slice())
    }

    /// Checks a draft and splits it into its public and personal text.
    ///
    /// # Errors
    /// Every breach of the contract, at most [`PROBLEMS_MAX`].
    pub fn seal(&self, draft: &Draft<'_>) -> Result<Record, Vec<Problem>> {
        let contract = &draft.contract;
        let broken = |rule| vec![Problem::new(&CONTRACT_BROKEN).by_rule(rule)];
        let Some(known) = self.get(contract) else {
            return Err(broken(format!("no such contract: {contract}")));
        };
        let (form, part, retracts) = match &draft.body {
            Body::Whole(part) => (Some(&known.whole), part, false),
            Body::Retraction(part) => (known.retraction.as_ref(), part, true),
        };
        let Some(form) = form else {
            return Err(broken(format!("a {contract} is never withdrawn")));
        };
        let key_problem = key_problem(&draft.key);
        match form.seal(part) {
            Ok((public, personal)) if key_problem.is_none() => {
                let (contract, key) = (contract.clone(), draft.key.clone().into_owned());
                Ok(Record { contract, key, public, personal, retracts })
            }
            sealed => {
                let breaches = sealed.err().unwrap_or_default();
                let problems = key_problem.into_iter().chain(breaches);
                Err(problems.take(PROBLEMS_MAX).collect())
            }
        }
    }

    /// What the public text of a draft's record reads as, without reading the text: the two are
    /// equal for every draft that can be sealed.
    ///
    /// # Errors
    /// A type that does not hold what the contract lets through, or a contract not known.
    pub fn public<'a, T: Deserialize<'a>>(
        &'a self,
        draft: &'a Draft<'a>,
    ) -> Result<T, serde_json::Error> {
        let known = self.get(&draft.contract);
        let form = match &draft.body {
            Body::Whole(_) => known.map(|known| &known.whole),
            Body::Retraction(_) => known.and_then(|known| known.retraction.as_ref()),
        };
        let unknown = || serde::de::Error::custom("no such contract");
        form.ok_or_else(unknown)?.public(draft.body.part())
    }
}

fn key_problem(key: &str) -> Option<Problem> {
    if key.is_empty() {
        return Some(Problem::new(&MISSING_MEMBER).by_rule("key ≠ \"\""));
    }
    if key.len() <= KEY_BYTES_MAX {
        return None;
    }
    let (rule, bytes) = (format!("key ≤ {KEY_BYTES_MAX} byte"), key.len());
    let problem = Problem::new(&LIMIT_EXCEEDED).by_rule(rule).saying(
        format!("Mã của bản ghi dài {bytes} byte, quá {KEY_BYTES_MAX}."),
        format!("The record's key has {bytes} bytes, more than {KEY_BYTES_MAX}."),
    );
    Some(problem.advising(
        "Xem lại trường chứa mã: có thể đã lấy nhầm trường, hoặc nhiều ô dính vào nhau.",
        "Look at the field of the key: another one, or several cells in one, may stand there.",
    ))
}

impl Contract {
    /// Compiles the schema of a contract, and the one of its retractions where it has one.
    ///
    /// # Errors
    /// Text that is not JSON, a schema that fails [`check`], or a pattern that does not compile.
    pub fn compile(id: &str, text: &str, retraction: Option<&str>) -> Result<Self, BadContract> {
        let bad = |reasons| BadContract { contract: id.to_owned(), reasons };
        let parsed = id.parse::<ContractId>().map_err(|error| bad(vec![error.to_string()]))?;
        let whole = Form::compile(text).map_err(bad)?;
        let retraction = retraction.map(Form::compile).transpose().map_err(bad)?;
        Ok(Self { id: parsed, text: text.to_owned(), whole, retraction })
    }

    /// Its name and major.
    pub fn id(&self) -> &ContractId {
        &self.id
    }

    /// The text of its schema file: what entries name by hash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its schema.
    pub fn schema(&self) -> &Value {
        &self.whole.schema
    }

    /// Its members in schema order.
    pub fn members(&self) -> &[Member] {
        &self.whole.members
    }
}

/// Follows one local reference (`#/$defs/…`).
pub(crate) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

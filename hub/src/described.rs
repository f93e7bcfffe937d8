//! What the description of the HTTP interface says of values that other crates own, which know
//! nothing of such descriptions: a mirror of each as it is serialised, and names for the contracts.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, SchemaFormat,
        schema::{Schema, Type},
    },
};

/// The name of a contract's schema among the components: `dossier-state/1` is `dossier-state.v1`.
pub(crate) fn component(contract: &str) -> String {
    contract.replace('/', ".v")
}

macro_rules! contracts {
    ($($name:ident $id:literal;)*) => {$(
        #[doc = concat!("What the contract `", $id, "` describes.")]
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                // The contract's own text stands in its place when the document is made.
                ObjectBuilder::new().schema_type(Type::Object).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                component($id).into()
            }
        }
    )*};
}

contracts! {
    Acknowledgement "acknowledgement/1";
    Agency "agency/1";
    Application "application/1";
    DossierState "dossier-state/1";
    Feedback "feedback/1";
    Finding "finding/1";
    Procedure "procedure/1";
    Reply "reply/1";
    Request "request/1";
}

/// A day in Asia/Ho_Chi_Minh or a UTC instant.
#[derive(Debug)]
pub enum Moment {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let form = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z)?$";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("moment".to_owned())))
            .pattern(Some(form))
            .description(Some("A day in Asia/Ho_Chi_Minh or a UTC instant."))
            .into()
    }
}

impl ToSchema for Moment {}

/// The national status of a dossier, from 1 to 10.
#[derive(Debug)]
pub enum Status {}

impl PartialSchema for Status {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(10))
            .description(Some("The national status of a dossier."))
            .into()
    }
}

impl ToSchema for Status {}

/// The same words in two languages.
#[derive(Debug, ToSchema)]
pub struct Bilingual {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

/// Where in a payload something stands, as far as its format knows.
#[derive(Debug, ToSchema)]
#[schema(as = PayloadPlace)]
pub struct Place {
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column, from 1.
    pub column: Option<u32>,
    /// Path to the value.
    pub path: Option<String>,
    /// The record, from 0.
    pub record: Option<u32>,
}

/// One thing that is wrong in a record.
#[derive(Debug, ToSchema)]
#[schema(as = DataProblem)]
pub struct DataProblem {
    /// The stable code of the rule that is broken: see `/problems`.
    pub code: String,
    /// JSON pointer to the member of the contract; left out where it is about the whole record.
    #[schema(required = false)]
    pub pointer: String,
    /// Where the value stands in the payload.
    pub place: Place,
    /// The line of the mapping that made it.
    #[schema(required = false)]
    pub rule: String,
    /// What was found; never personal.
    pub value: Option<String>,
    /// What is wrong.
    pub detail: Bilingual,
    /// How to mend it.
    pub advice: Bilingual,
}

/// A record, or a whole message, that was not stored.
#[derive(Debug, ToSchema)]
pub struct Refusal {
    /// Which record of the message, from 0; absent where it is about the message.
    pub record: Option<u32>,
    /// All that is wrong with it.
    pub problems: Vec<DataProblem>,
}

/// What became of a message.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Outcome {
    /// All of it was stored.
    Stored,
    /// It was sent before, with this content.
    Duplicate,
    /// Its id was used before, for other content.
    Conflict,
    /// Some of its records were stored.
    Partial,
    /// Nothing of it was stored.
    Refused,
}

/// The mode of a channel.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ChannelMode {
    /// Its agency sees everything; nothing reaches statistics, feeds or findings.
    Trial,
    /// Counted.
    Live,
    /// Loading the past.
    Backfill,
}

/// What the hub answers to a message.
#[derive(Debug, ToSchema)]
pub struct Receipt {
    /// The channel.
    pub source: String,
    /// The message's id: the `Idempotency-Key`, or the hub's own.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Of a duplicate: what became of the first.
    pub first: Option<Outcome>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub recorded_at: String,
    /// Records that were stored.
    pub records: u64,
    /// Records that were refused.
    pub refused: u64,
    /// The refused ones, and why.
    #[schema(required = false)]
    pub refusals: Vec<Refusal>,
    /// Personal members that were not kept, since their person has been erased.
    pub erased: Option<Erased>,
}

/// Personal members that were not kept: their person has been erased from the hub on request.
#[derive(Debug, ToSchema)]
#[schema(as = PersonsErased)]
pub struct Erased {
    /// Records that lost theirs.
    pub records: u64,
    /// That, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
}

/// A level of the online service that a procedure is offered at.
#[derive(Debug, ToSchema)]
pub struct OnlineLevel {
    /// By which decree.
    pub scheme: String,
    /// The level.
    pub level: String,
    /// From when on.
    pub valid_from: Option<String>,
    /// Until when.
    pub valid_to: Option<String>,
}

/// What has changed in what a channel sends.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A field that was not there.
    NewField,
    /// A field that is there no more.
    FieldGone,
    /// A field is empty more often, or more seldom.
    BlankShare,
    /// Values of another type.
    NewType,
    /// Values of another form.
    NewForm,
    /// A code that the mapping does not know.
    UnknownCode,
    /// Records are larger, or smaller.
    Size,
}

/// One change in what a channel sends.
#[derive(Debug, ToSchema)]
#[schema(as = ChannelChange)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// The kind of records.
    pub records: String,
    /// The path of the field.
    pub path: String,
    /// Whether the mapping reads it.
    pub read: bool,
    /// From which period on.
    pub since: String,
    /// Until which period.
    pub until: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
    /// What is new.
    #[schema(required = false)]
    pub fresh: Vec<String>,
    /// What has changed.
    pub detail: Bilingual,
    /// What to do.
    pub advice: Bilingual,
}

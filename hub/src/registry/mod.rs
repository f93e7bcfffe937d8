//! The domain, pure: dossiers and numbers as folds over the set of observations (semantics §3, §5).
//!
//! Beside them the records that are about no dossier, the catalogue that the province publishes,
//! how names in it are found, what the public may know of a dossier, the hub's own deadline of one,
//! the forms of reports, what there is to ask, how channels stand, and the roadmap.
//!
//! Nothing here does I/O, reads a clock or the environment: equal sets give equal answers,
//! whatever the order, the repetition or the delay in which their members came.

pub mod calendar;
pub mod catalogue;
pub mod channel;
pub mod deadline;
pub mod dossier;
pub mod erasure;
pub mod exchange;
pub mod feedback;
pub mod finding;
pub mod fold_root;
pub mod identity;
pub mod lookup;
pub mod measure;
pub mod observation;
pub mod offer;
pub mod past;
pub mod phrase;
pub mod place;
pub mod record;
pub mod report;
pub mod roadmap;
pub mod search;
mod source;
pub mod state;
pub mod statistics;
pub mod timeline;
pub mod timeliness;
pub mod units;

#[cfg(test)]
mod counting;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod rules;

pub use catalogue::Catalogue;
pub use dossier::{Part, Reference, SourceRule, fold, fold_standing};
pub use erasure::{AskedBy, ErasureText};
pub use fold_root::{Leaves, dossier_leaf, fold_root};
pub use identity::{Groups, Link, code_of, group, only_name};
pub use measure::{Counted, Measure};
pub use observation::{Content, Observation, ObservationId, Version, standing};
pub use past::Past;
pub use place::{Dimension, Place};
pub use record::{RecordName, RecordRow, Telling};
pub use state::{DossierState, Doubt, Extension, Identity, Promise, Sight, TimelineStep};
pub use statistics::{PlacedCounts, Settings, between, changes, counted};
pub use timeliness::Timeliness;
pub use units::UnitVersions;

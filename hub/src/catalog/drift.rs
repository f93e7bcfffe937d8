//! What becomes of a channel when what it sends has changed, as its file declares it (decision 41).

use std::collections::BTreeSet;

use mappings::{Diagnostic, profile::ChangeKind};
use serde::Deserialize;
use toml::Spanned;

use super::{ChannelSettings, dropped::Source};

/// The kinds that hold where none is named: those after which a rule may read what it should not.
/// A code that no table lists is refused already, or means what its table says.
const USUAL: [ChangeKind; 4] =
    [ChangeKind::FieldGone, ChangeKind::NewType, ChangeKind::NewForm, ChangeKind::Size];

/// What `drift` says: a word, or which kinds of change hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "write pass, hold, or { hold = [\"new-form\"] }")]
pub enum DriftTold {
    /// `pass` or `hold`.
    Word(String),
    /// The kinds.
    Kinds(KindsTold),
}

/// The kinds of change that hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindsTold {
    /// By their words.
    pub hold: Vec<String>,
}

/// The kinds of change by which a channel is held; none where all pass.
pub type HoldsOn = BTreeSet<ChangeKind>;

/// What a channel declares.
pub(super) fn read(
    source: &Source<'_>,
    settings: &ChannelSettings,
) -> Result<HoldsOn, Box<Diagnostic>> {
    let Some(told) = &settings.drift else { return Ok(HoldsOn::new()) };
    let named = match told.get_ref() {
        DriftTold::Word(word) if word == "pass" => return Ok(HoldsOn::new()),
        DriftTold::Word(word) if word == "hold" => return Ok(HoldsOn::from(USUAL)),
        DriftTold::Word(other) => {
            let message = format!("`{other}` is nothing that becomes of a change");
            let advice = "write pass, hold, or { hold = [\"new-form\"] } with the kinds that hold";
            return Err(source.fault(&told.span(), message, advice));
        }
        DriftTold::Kinds(KindsTold { hold }) => hold,
    };
    let kind = |name: &String| {
        let found = ChangeKind::ALL.iter().find(|(_, word)| word == name);
        found.map(|(kind, _)| *kind).ok_or_else(|| unknown(source, told, name))
    };
    named.iter().map(kind).collect()
}

fn unknown(source: &Source<'_>, told: &Spanned<DriftTold>, name: &str) -> Box<Diagnostic> {
    let words = ChangeKind::ALL.map(|(_, word)| word).join(", ");
    let message = format!("`{name}` is no kind of change");
    source.fault(&told.span(), message, &format!("write some of {words}"))
}

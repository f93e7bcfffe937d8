//! The router: which outbound channels a record goes to. Routes are data, `routes.toml`, proved
//! before anything runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::Path,
    sync::Arc,
};

use contracts::{ContractId, Contracts};
use mappings::{
    Diagnostic,
    condition::Condition,
    format::{Format, JsonOptions, Limits},
};
use serde::Deserialize;
use tokio::sync::Notify;
use toml::Spanned;

use crate::{
    catalog::Catalog,
    operations::agency_of,
    store::{Item, Prepared, deliveries::Destination},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    route: Vec<Spanned<Declared>>,
}

/// One `[[route]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    contract: Spanned<String>,
    from: Option<Spanned<String>>,
    when: Option<Spanned<String>>,
    to: Spanned<String>,
    #[serde(default)]
    personal: bool,
    #[serde(default)]
    withdrawals: bool,
}

/// A way from records of one contract to one outbound channel.
struct Route {
    /// The agency by whose channels they come; of any where there is none.
    from: Option<String>,
    /// What their public members say.
    when: Option<Condition>,
    /// Whether those that withdraw a record go there too.
    withdrawals: bool,
    to: Destination,
}

/// All routes.
#[derive(Default)]
pub struct Routes {
    by_contract: BTreeMap<ContractId, Vec<Route>>,
    /// Woken when there may be something to deliver, by channel.
    awake: BTreeMap<Arc<str>, Arc<Notify>>,
}

struct Reader<'a> {
    file: String,
    text: &'a str,
    catalog: &'a Catalog,
    contracts: &'a Contracts,
    found: Vec<Diagnostic>,
}

impl Routes {
    /// Reads and proves a file of routes.
    ///
    /// # Errors
    /// Every fault of it, with its place.
    pub fn load(
        path: &Path,
        catalog: &Catalog,
        contracts: &Contracts,
    ) -> Result<Self, Vec<Diagnostic>> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| {
            let advice = "write it, or leave out `routes` of hub.toml";
            vec![Diagnostic::at(&file, "", &(0..0), format!("it cannot be read: {error}"), advice)]
        })?;
        let declared: File = toml::from_str(&text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            vec![Diagnostic::at(&file, &text, &span, error.message().to_owned(), "")]
        })?;
        let mut reader = Reader { file, text: &text, catalog, contracts, found: Vec::new() };
        let mut routes = Self::default();
        for declared in declared.route {
            if let Some((contract, route)) = reader.route(declared.into_inner()) {
                routes.awake.entry(route.to.channel.clone()).or_default();
                routes.by_contract.entry(contract).or_default().push(route);
            }
        }
        if reader.found.is_empty() { Ok(routes) } else { Err(reader.found) }
    }

    /// Also wakes the channels that take what is addressed to their agencies.
    #[must_use]
    pub fn beside(mut self, catalog: &Catalog) -> Self {
        for channel in catalog.outbound.values().filter(|one| !one.takes.is_empty()) {
            self.awake.entry(channel.id.clone()).or_default();
        }
        self
    }

    /// Wakes the same as others did, where those lead to the same channels: who delivers next hears
    /// also what the others have made.
    #[must_use]
    pub fn waking_as(mut self, before: &Self) -> Self {
        for (channel, awake) in &mut self.awake {
            if let Some(known) = before.awake.get(channel) {
                *awake = known.clone();
            }
        }
        self
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_contract.values().map(Vec::len).sum()
    }

    /// The channels that they lead to.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.awake.keys()
    }

    /// What is woken when there may be something to deliver to a channel.
    pub fn awake(&self, channel: &str) -> Option<Arc<Notify>> {
        self.awake.get(channel).cloned()
    }

    /// Says where the records of an item go that came by a channel.
    pub(crate) fn direct(&self, channel: &str, item: &mut Item) {
        if self.by_contract.is_empty() {
            return;
        }
        for one in item.outcome.iter_mut().flatten() {
            one.destinations = self.destinations(agency_of(channel), one);
        }
    }

    fn destinations(&self, agency: &str, one: &Prepared) -> Vec<Destination> {
        let withdraws = one.withdraws();
        let mut all: Vec<Destination> = Vec::new();
        for route in self.by_contract.get(&one.contract).into_iter().flatten() {
            let from = route.from.as_ref().is_none_or(|from| from == agency);
            let taken = match &route.when {
                _ if withdraws => route.withdrawals,
                Some(when) if from => holds(when, &one.public),
                _ => true,
            };
            if !from || !taken {
                continue;
            }
            match all.iter_mut().find(|known| known.channel == route.to.channel) {
                Some(known) => known.personal |= route.to.personal,
                None => all.push(route.to.clone()),
            }
        }
        all
    }

    /// Wakes who delivers what some items have made.
    pub(super) fn wake(&self, channels: &BTreeSet<Arc<str>>) {
        for channel in channels {
            if let Some(awake) = self.awake.get(channel) {
                awake.notify_one();
            }
        }
    }
}

/// Where the records of some items go.
pub(super) fn destinations(items: &[Item]) -> BTreeSet<Arc<str>> {
    let records = items.iter().flat_map(|item| item.outcome.iter().flatten());
    records.flat_map(|one| &one.destinations).map(|to| to.channel.clone()).collect()
}

/// Whether a condition holds of a record. One that cannot be decided, since a member that it
/// compares is absent, does not hold.
fn holds(when: &Condition, public: &str) -> bool {
    let mut holds = false;
    let json = Format::Json(JsonOptions::default());
    let read = json.read(public, &[], &Limits::default(), &mut |item| {
        holds = item.is_ok_and(|(document, record)| when.holds(document, record) == Ok(true));
    });
    read.is_ok() && holds
}

impl Reader<'_> {
    fn fault(&mut self, span: &Range<usize>, message: String, advice: &str) {
        self.found.push(Diagnostic::at(&self.file, self.text, span, message, advice));
    }

    fn route(&mut self, declared: Declared) -> Option<(ContractId, Route)> {
        let before = self.found.len();
        let contract = self.contract(&declared.contract);
        if let Some(from) = &declared.from
            && !self.catalog.agencies.iter().any(|agency| agency.id == *from.get_ref())
        {
            let message = format!("there is no agency `{}`", from.get_ref());
            self.fault(&from.span(), message, "write the id of an agency's folder");
        }
        let (name, span) = (declared.to.get_ref(), declared.to.span());
        match self.catalog.outbound.get(name.as_str()) {
            None => {
                let message = format!("there is no outbound channel `{name}`");
                let advice = "declare [outbound.CHANNEL] in the agency's agency.toml";
                self.fault(&span, message, advice);
            }
            Some(channel) => {
                let rendered = channel.rendering.as_ref().map(mappings::Rendering::contract);
                if let (Some(rendered), Some(contract)) = (rendered, &contract)
                    && rendered != contract
                {
                    let message = format!("`{name}` takes {rendered}, not {contract}");
                    self.fault(&span, message, "send it what its `render` is of");
                }
                if rendered.is_some() && declared.withdrawals {
                    let message = format!("`{name}` has a form for records, none for withdrawals");
                    self.fault(&span, message, "leave out `withdrawals`");
                }
            }
        }
        let when = match &declared.when {
            Some(text) => Some(self.condition(text, contract.as_ref())?),
            None => None,
        };
        let to = Destination { channel: name.as_str().into(), personal: declared.personal };
        let (from, withdrawals) = (declared.from.map(Spanned::into_inner), declared.withdrawals);
        let sound = self.found.len() == before;
        contract.filter(|_| sound).map(|one| (one, Route { from, when, withdrawals, to }))
    }

    fn contract(&mut self, text: &Spanned<String>) -> Option<ContractId> {
        let id = text.get_ref().parse::<ContractId>().ok();
        let known = id.filter(|id| self.contracts.schema(id).is_some());
        if known.is_none() {
            let message = format!("there is no contract `{}`", text.get_ref());
            self.fault(&text.span(), message, "such as contract = \"dossier/1\"");
        }
        known
    }

    fn condition(
        &mut self,
        text: &Spanned<String>,
        contract: Option<&ContractId>,
    ) -> Option<Condition> {
        let condition = match Condition::compile(text.get_ref(), false) {
            Ok(condition) => condition,
            Err(message) => {
                let message = format!("the condition does not hold together: {message}");
                self.fault(&text.span(), message, "such as status == 9");
                return None;
            }
        };
        let members = contract.map_or(&[][..], |id| self.contracts.members(id));
        for name in condition.names() {
            let member = members.iter().find(|member| member.path == *name);
            let (message, advice) = match member {
                None => (format!("the contract has no member `{name}`"), "name one of its own"),
                Some(member) if member.personal => {
                    (format!("`{name}` is personal"), "routes read public members alone")
                }
                Some(_) => continue,
            };
            if contract.is_some() {
                self.fault(&text.span(), message, advice);
            }
        }
        Some(condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undecided_condition_does_not_hold() {
        let when = Condition::compile("status >= 9", false).unwrap();
        for (public, expected) in [
            (r#"{"status":9}"#, true),
            (r#"{"status":4}"#, false),
            (r#"{"status":"9"}"#, false),
            ("{}", false),
            ("", false),
        ] {
            assert_eq!(holds(&when, public), expected, "{public}");
        }
    }
}

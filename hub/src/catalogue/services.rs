//! To which address each procedure leads: its e-service at its agency.

use std::collections::{BTreeMap, HashMap};

use contracts::procedure::Procedure;
use jiff::civil::Date;
use mappings::text::normalise::toned_key;
use serde::Serialize;

use super::{
    Directory,
    page::{UnknownValue, Window},
};
use crate::registry::{
    Catalogue,
    catalogue::{Dated, ServiceAddress},
    offer,
};

/// What stands in an address for a procedure's code.
pub(super) const CODE: &str = "{code}";

/// Online levels at which a procedure can be filed online.
const FILED_ONLINE: [&str; 4] = ["3", "4", "partial", "full"];

/// Where one procedure leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    url: String,
    /// Whether it is told of this procedure alone, and so holds at any online level.
    is_own: bool,
}

/// An address with a code in it, whatever the code is made of.
pub(super) fn filled(url: &str, code: &str) -> String {
    let encoded = code.bytes().map(|byte| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    url.replace(CODE, &encoded.collect::<String>())
}

/// Where all procedures lead, in their order.
pub(super) fn services(catalogue: &Catalogue) -> Vec<Option<Service>> {
    let mut of_agency: HashMap<&str, &ServiceAddress> = HashMap::new();
    let mut of_one: HashMap<(&str, String), &ServiceAddress> = HashMap::new();
    for one in &catalogue.services {
        match &one.procedure {
            None => drop(of_agency.insert(&one.agency, one)),
            Some(named) => drop(of_one.insert((&one.agency, toned_key(named)), one)),
        }
    }
    if of_agency.is_empty() && of_one.is_empty() {
        return vec![None; catalogue.procedures.len()];
    }
    let service = |one: &Procedure| {
        let called = [one.code.as_ref(), one.source_code.as_ref(), Some(&one.name)];
        let own = called.into_iter().flatten();
        let mut own = own.filter_map(|name| of_one.get(&(one.agency.as_str(), toned_key(name))));
        let own = own.next();
        let told = own.or_else(|| of_agency.get(one.agency.as_str()))?;
        let url = told.url.as_deref()?;
        let code = one.code();
        let is_whole = !url.contains(CODE) || !code.is_empty();
        is_whole.then(|| Service { url: filled(url, code), is_own: own.is_some() })
    };
    catalogue.procedures.iter().map(service).collect()
}

/// Which links.
#[derive(Debug, Clone)]
pub struct LinkQuestion {
    /// Hub id of the agency.
    pub agency: Option<String>,
    /// A code of the procedure.
    pub procedure: Option<String>,
    /// The day on which they hold.
    pub on: Date,
}

/// A link: one procedure at one agency, and where it leads.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Link<'a> {
    /// National code of the procedure, short form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub procedure: Option<&'a str>,
    /// The agency's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub source_code: Option<&'a str>,
    /// Name of the procedure.
    pub procedure_name: &'a str,
    /// Hub id of the agency.
    pub agency: &'a str,
    /// Name of the agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub agency_name: Option<&'a str>,
    /// Where its e-service is.
    pub url: &'a str,
}

impl Directory {
    /// Where a procedure leads on a day, by its number.
    pub(super) fn service(&self, at: usize, on: Date) -> Option<&str> {
        let service = self.services.get(at)?.as_ref()?;
        let one = self.catalogue.procedures.get(at)?;
        let level = || offer::online(one, on).map(|told| told.level.as_str());
        let filed = service.is_own || level().is_some_and(|told| FILED_ONLINE.contains(&told));
        (filed && one.stands(on)).then_some(service.url.as_str())
    }

    /// Links in the order of the catalogue.
    ///
    /// # Errors
    /// When the agency is none.
    pub fn links(&self, question: &LinkQuestion) -> Result<Vec<Link<'_>>, UnknownValue> {
        let LinkQuestion { agency, procedure, on } = question;
        if let Some(id) = agency
            && !self.catalogue.agencies.iter().any(|one| one.id == *id)
        {
            return Err(UnknownValue { parameter: "agency", listed: "/v1/agencies" });
        }
        let bears = procedure.as_deref().map(super::procedures::Bears::new);
        let all = self.catalogue.procedures.iter().enumerate().filter(|(_, one)| {
            agency.as_ref().is_none_or(|id| *id == one.agency)
                && bears.as_ref().is_none_or(|code| code.is_of(one))
        });
        Ok(all.filter_map(|(at, _)| self.link(at, *on)).collect())
    }

    fn link(&self, at: usize, on: Date) -> Option<Link<'_>> {
        let (url, one) = (self.service(at, on)?, self.catalogue.procedures.get(at)?);
        Some(Link {
            procedure: one.code.as_deref(),
            source_code: one.source_code.as_deref(),
            procedure_name: &one.name,
            agency: &one.agency,
            agency_name: self.agency_name(&one.agency),
            url,
        })
    }

    /// Every address that procedures lead to on a day, with how many do.
    pub fn addresses(&self, on: Date) -> BTreeMap<&str, usize> {
        let mut all = BTreeMap::new();
        for url in (0..self.services.len()).filter_map(|at| self.service(at, on)) {
            *all.entry(url).or_default() += 1;
        }
        all
    }
}

/// The share of a list that a page gives, and where the next begins.
pub fn paged<T>(mut all: Vec<T>, window: Window) -> (Vec<T>, usize, Option<usize>) {
    let total = all.len();
    let end = window.offset.saturating_add(window.limit);
    all.truncate(end);
    all.drain(..window.offset.min(all.len()));
    (all, total, (end < total).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn a_code_is_written_so_that_it_stays_in_its_place() {
        assert_eq!(filled("https://a.vn/?ma={code}", "1.000001"), "https://a.vn/?ma=1.000001");
        assert_eq!(filled("https://a.vn/{code}/x", "../&Đ"), "https://a.vn/..%2F%26%C4%90/x");
        assert_eq!(filled("https://a.vn/", "1"), "https://a.vn/");
    }
}

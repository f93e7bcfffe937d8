//! Procedures as JSON-LD in the words of <https://schema.org>, for pages of others: what a page
//! shows of a procedure, and what a search engine reads there.
//!
//! Time limits count working days, which no duration of ISO 8601 can: they stand under a name of
//! the hub's own, and where they can be said they are a `processingTime` too.

use contracts::procedure::{Deadline, DeadlineUnit, Procedure};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{Directory, procedures::Bears};
use crate::registry::catalogue::Dated;

/// What the names of the hub's own begin with.
const NAMESPACE: &str = "https://lienthong.dongnai.gov.vn/ns#";

fn context() -> Value {
    json!(["https://schema.org", { "lt": NAMESPACE }])
}

/// The duration of a time limit, where it is one by the clock.
fn duration(deadline: Deadline) -> Option<String> {
    (deadline.unit == DeadlineUnit::CalendarDays).then(|| format!("P{}D", deadline.value))
}

impl Directory {
    /// The procedures in force on a day that bear a code, at one agency or at all; nothing where
    /// there is none.
    pub fn embedded(&self, code: &str, agency: Option<&str>, on: Date) -> Option<Value> {
        let bears = Bears::new(code);
        let services: Vec<Value> = self
            .in_force(on)
            .filter(|(_, one)| agency.is_none_or(|id| id == one.agency) && bears.is_of(one))
            .map(|(at, one)| self.government_service(at, one, on))
            .collect();
        (!services.is_empty()).then(|| json!({ "@context": context(), "@graph": services }))
    }

    /// The procedures of an agency in force on a day, as a list; nothing where there is no such
    /// agency on that day.
    pub fn embedded_of(&self, agency: &str, on: Date) -> Option<Value> {
        let mut known = self.catalogue.agencies.iter();
        let agency = known.rfind(|one| one.id == agency && one.stands(on))?;
        let own = self.in_force(on).filter(|(_, one)| one.agency == agency.id);
        let items: Vec<Value> = (1..)
            .zip(own)
            .map(|(position, (at, one))| {
                let item = self.government_service(at, one, on);
                json!({ "@type": "ListItem", "position": position, "item": item })
            })
            .collect();
        Some(json!({
            "@context": context(), "@type": "ItemList", "name": agency.name_vi,
            "numberOfItems": items.len(), "itemListElement": items,
        }))
    }

    fn in_force(&self, on: Date) -> impl Iterator<Item = (usize, &Procedure)> {
        self.catalogue.procedures.iter().enumerate().filter(move |(_, one)| one.stands(on))
    }

    fn government_service(&self, at: usize, one: &Procedure, on: Date) -> Value {
        let mut told = Map::new();
        let mut put = |name: &str, value: Value| told.insert(name.to_owned(), value);
        put("@type", json!("GovernmentService"));
        if !one.code().is_empty() {
            put("identifier", json!(one.code()));
        }
        put("name", json!(one.name));
        if let Some(field) = &one.field {
            put("serviceType", json!(field));
        }
        put("provider", self.organization(&one.agency));
        if !one.applicants.is_empty() {
            let audience = |who: &String| json!({ "@type": "Audience", "audienceType": who });
            put("audience", one.applicants.iter().map(audience).collect());
        }
        if !one.results.is_empty() {
            let thing = |name: &String| json!({ "@type": "Thing", "name": name });
            put("serviceOutput", one.results.iter().map(thing).collect());
        }
        let offers = offers(one);
        if !offers.is_empty() {
            put("offers", offers.into());
        }
        let url = self.service(at, on);
        let duration = one.deadline.and_then(duration);
        if url.is_some() || duration.is_some() {
            let mut channel = Map::new();
            channel.insert("@type".to_owned(), json!("ServiceChannel"));
            if let Some(url) = url {
                channel.insert("serviceUrl".to_owned(), json!(url));
            }
            if let Some(duration) = duration {
                channel.insert("processingTime".to_owned(), json!(duration));
            }
            put("availableChannel", Value::Object(channel));
        }
        if let Some(Deadline { value, unit }) = one.deadline {
            put("lt:deadline", json!({ "lt:value": value, "lt:unit": unit }));
        }
        Value::Object(told)
    }

    fn organization(&self, id: &str) -> Value {
        let known = self.catalogue.agencies.iter().rfind(|one| one.id == id);
        let mut told = json!({ "@type": "GovernmentOrganization", "identifier": id });
        if let Some(agency) = known {
            told["name"] = json!(agency.name_vi);
            told["alternateName"] = json!(agency.name_en);
        }
        told
    }
}

/// What is paid: each fee, or where they are not told one by one what is paid in all.
fn offers(one: &Procedure) -> Vec<Value> {
    let offer = |price: u64| json!({ "@type": "Offer", "price": price, "priceCurrency": "VND" });
    if one.fees.is_empty() {
        return one.fee.map(offer).into_iter().collect();
    }
    let told = one.fees.iter().map(|fee| {
        let mut told = offer(fee.amount);
        told["name"] = json!(fee.name);
        if let Some(note) = &fee.note {
            told["description"] = json!(note);
        }
        told
    });
    told.collect()
}

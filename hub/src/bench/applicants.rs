//! What applicants of the load's dossiers ask, each from an address of their own: with the code and
//! the end of the telephone number, which they know.

use std::{net::Ipv4Addr, sync::Arc};

use serde_json::json;

use super::{
    fill::VERSIONS,
    load::Script,
    wire,
    workload::{Random, Workload},
};

/// Applicants among whom is chosen: their questions are made beforehand.
const APPLICANTS_MAX: u64 = 10_000;
/// What stands before a telephone number in a message of the load.
const PHONE: &str = "<DienThoai>";
/// Digits at its end that show who knows it.
const LAST_DIGITS: usize = 4;
/// Addresses, of the network 10/8: none asks again before all others have.
const ADDRESSES: u64 = 1 << 24;

/// Look-ups by applicants of a store of so many dossiers, of which every so manieth has its texts.
pub(super) fn script(load: &Workload, (dossiers, every): (u64, u64), key: Arc<str>) -> Arc<Script> {
    let kept = dossiers.div_ceil(every);
    let count = kept.min(APPLICANTS_MAX);
    let mut random = Random::new(load.seed, count);
    let asked: Vec<String> = (0..count)
        .map(|at| if kept > count { random.below(kept) } else { at } * every)
        .map(|number| question(load, number))
        .collect();
    let seed = load.seed;
    Arc::new(move |number, out| {
        let at = Random::new(seed, number).below(count) as usize;
        let address = Ipv4Addr::from(0x0a00_0000 | (number % ADDRESSES) as u32);
        wire::look_up(asked.get(at).map_or("", String::as_str), &key, address, out);
    })
}

/// What the applicant of a dossier asks.
fn question(load: &Workload, number: u64) -> String {
    let mut told = String::new();
    load.message(number..number + 1, VERSIONS - 1, &mut told);
    let phone = told.split_once(PHONE).and_then(|(_, rest)| rest.split_once('<'));
    let phone = phone.map_or("", |(phone, _)| phone);
    let secret = phone.get(phone.len().saturating_sub(LAST_DIGITS)..).unwrap_or_default();
    json!({ "code": Workload::code(number), "secret": secret }).to_string()
}

//! The part of the page about views: an analyst runs it as it stands, and what it answers is what
//! the hub tells.

use std::{collections::BTreeMap, process::Command};

use super::{as_role, psql, told};
use crate::{
    fenced::{self, Left},
    harness::{Folder, Sender},
    lienthong::{stderr, stdout},
    permutations::{dossier, send_all},
};

/// Gauges, as the hub names them.
const GAUGES: [&str; 6] =
    ["open", "paused", "overdue", "paused-overdue", "in-status-4", "in-status-10"];

/// The part about views, from the head of the page on; the rest is about exports.
pub(super) fn page() -> String {
    let page = fenced::page("reporting.md");
    page.split_once("\n## Exports\n").unwrap().0.to_owned()
}

/// The statements that let a tool in, for a database of these tests.
pub(super) fn letting_in(tool: &str, address: &str) -> String {
    let sql = Left::of(&page()).next("sql", "CREATE ROLE powerbi LOGIN");
    let role = "CREATE ROLE lienthong_reporting NOLOGIN;";
    assert!(sql.contains(role), "{sql}");
    // The role is one for the whole server: another test may have made it.
    let once = format!("DO $$ BEGIN {role} EXCEPTION WHEN duplicate_object THEN NULL; END $$;");
    sql.replace(role, &once).replace("powerbi", tool).replace("SECRET", password(address))
}

/// The servers of tests have one password.
fn password(address: &str) -> &str {
    address.split([':', '@']).nth(2).unwrap()
}

/// Runs every block of the part, for the tool that was let in at `address`.
pub(super) async fn leads_an_analyst(
    folder: &Folder,
    address: &str,
    [agency, portal]: [&Sender; 2],
) {
    let mut left = Left::of(&page());
    // Run where the tool was let in.
    left.next("sql", "CREATE ROLE powerbi LOGIN");
    describes_itself(&left.next("sh", "psql"), address);
    gauges_are_the_hubs(&psql(address, &left.next("sql", "OVER (PARTITION BY")), portal).await;
    let all = ["accepted", "finished-late", "open"];
    let expected = told(portal, "2024-12-31", &all).await;
    let of_one = all.map(|measure| expected[measure].to_string());
    let year = left.next("sql", "open_at_the_end");
    assert_eq!(psql(address, &year), format!("ubnd-bien-hoa|{}", of_one.join("|")));
    let copy = [left.next("sql", "CREATE"), left.next("sql", "REFRESH")];
    is_kept_as_a_copy(copy, folder, agency).await;
    let together = psql(address, &left.next("sql", "REPEATABLE READ"));
    let whole = portal.found("/v1/statistics?from=2000-01-01&to=2079-12-31&by=").await;
    let n = &whole["rows"][0]["measures"];
    let wanted = [
        whole["as_of"].to_string(),
        format!("accepted|{}", n["accepted"]),
        format!("returned|{}", n["returned"]),
    ];
    assert_eq!(together, wanted.join("\n"));
    left.none();
}

/// The command that shows what a view is.
fn describes_itself(script: &str, address: &str) {
    let written = "postgresql://powerbi:SECRET@127.0.0.1:5432/lienthong";
    assert!(script.contains(written), "{script}");
    let mut command = Command::new("bash");
    let output = command.args(["-euc", &script.replace(written, address)]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stdout(&output);
    let row = told.lines().find(|line| line.trim_start().starts_with("accepted_on ")).unwrap();
    assert!(row.contains("| date") && row.trim_end().ends_with('.'), "{told}");
}

/// What each gauge is after each day on which it changed; on any other day it is as on the last
/// one before.
async fn gauges_are_the_hubs(answered: &str, portal: &Sender) {
    let mut changes: BTreeMap<(String, String), BTreeMap<String, i64>> = BTreeMap::new();
    for row in answered.lines() {
        let cells: Vec<&str> = row.split('|').collect();
        let [agency, procedure, measure, status, day, value] = cells[..] else { panic!("{row}") };
        let measure = [measure, status].join("-").trim_end_matches('-').to_owned();
        let place = format!("{agency} {procedure}");
        let days = changes.entry((measure, place)).or_default();
        assert_eq!(days.insert(day.to_owned(), value.parse().unwrap()), None, "{row}");
    }
    for day in ["2024-03-31", "2024-07-15", "2024-12-31"] {
        let mut found: BTreeMap<String, i64> = GAUGES.map(|name| (name.to_owned(), 0)).into();
        for ((measure, _), days) in &changes {
            let last = days.range(..=day.to_owned()).next_back().map_or(0, |(_, value)| *value);
            found.entry(measure.clone()).and_modify(|sum| *sum += last);
        }
        assert!(found["open"] > 0 && found["in-status-10"] > 0, "{day}: {found:?}");
        assert_eq!(found, told(portal, day, &GAUGES).await, "{day}");
    }
}

/// A copy in a schema of its own, by a role that may write there and nowhere else.
async fn is_kept_as_a_copy([made, refreshed]: [String; 2], folder: &Folder, agency: &Sender) {
    let role = format!("warehouse_{}", std::process::id());
    let address = folder.address();
    let made = made.replace("warehouse", &role).replace("SECRET", password(address));
    psql(&as_role(address, "postgres"), &made);
    let own = as_role(address, &role);
    let count = |of: &str| psql(&own, &format!("SELECT count(*), max(accepted_on) FROM {of}"));
    let dossiers = count("reporting.dossiers");
    assert!(dossiers.starts_with("80|2024-"), "{dossiers}");
    assert_eq!(count(&format!("{role}.dossiers")), dossiers);
    send_all(agency, dossier(5, 80), 1).await;
    let more = count("reporting.dossiers");
    assert!(more.starts_with("81|2024-"), "{more}");
    assert_eq!(count(&format!("{role}.dossiers")), dossiers, "it is as it was made");
    psql(&own, &refreshed.replace("warehouse", &role));
    assert_eq!(count(&format!("{role}.dossiers")), more);
}

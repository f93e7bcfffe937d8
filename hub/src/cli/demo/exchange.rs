//! What agencies ask one another in a demo, and an application of the portal: posted as they post
//! it, carried by the hub, answered by their systems.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    super::{
        door::{Door, Tally},
        offered::OFFERED,
        replies::{self, Replied, Replies},
        simulate::Way,
        system::Systems,
    },
    DemoError, key,
};
use crate::{auth::Principal, catalog::Catalog, hub::Hub, operations::agency_of};

/// Who asks and who is asked: the last does not reply.
const ASKS: &str = "so-y-te";
const ASKED: [&str; 2] = ["so-nong-nghiep-ptnt", "ban-quan-ly-kcn"];

/// The procedure that is applied for, at the agency that asks.
const PROCEDURE: &str = "1.013855";

/// How long who is asked has.
const DUE_IN: SignedDuration = SignedDuration::from_secs(8);

/// How long everything may take, and between two looks.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the demo sends under.
const KEY: &str = "demo-1";

/// Channels by which systems answer and people reply, so that no sample is played on them: what it
/// would answer was never asked.
pub(super) fn answering(
    catalog: &Catalog,
    replies_by: impl IntoIterator<Item = String>,
) -> BTreeSet<String> {
    let answered = catalog.outbound.values().filter_map(|channel| channel.answered_by.clone());
    let reads = |id: &String| catalog.channels.get(id).is_none_or(|one| one.read.is_some());
    // What is read by the hub holds more than replies.
    answered.chain(replies_by.into_iter().filter(|id| !reads(id))).collect()
}

/// Has people reply, as long as the demo goes on.
pub(super) async fn reply(
    hub: &Hub,
    (by, systems, seed): (BTreeSet<String>, &Systems, u64),
    (replies, replied): (Replies, Replied),
) -> Result<tokio::task::JoinHandle<io::Result<()>>, DemoError> {
    let url = format!("http://{}", hub.address);
    let mut doors: BTreeMap<String, Door> = BTreeMap::new();
    for id in by {
        let Some(channel) = hub.operations.catalog.channels.get(&id) else { continue };
        let key = key(hub, &Principal::Agency(agency_of(&id).to_owned())).await?;
        let way = Way { url: &url, key: Some(&key), drop: None, database: None, amqp: None };
        let door = replies::door(channel, &way, (systems, seed)).map_err(io::Error::other)?;
        doors.insert(id, door);
    }
    // What becomes of each is on the status page.
    Ok(tokio::spawn(replies.send(doors, replied, |_, _| Ok(()))))
}

/// A request and an application under way.
pub(super) struct Exchange {
    client: reqwest::Client,
    url: String,
    asks: String,
    portal: String,
}

impl Exchange {
    /// Asks.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub(super) async fn begin(hub: &Hub) -> Result<Self, DemoError> {
        let exchange = Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: format!("http://{}", hub.address),
            asks: key(hub, &Principal::Agency(ASKS.to_owned())).await?,
            portal: key(hub, &Principal::Portal).await?,
        };
        let due = Timestamp::now().saturating_add(DUE_IN).unwrap_or(Timestamp::MAX);
        let request = json!({
            "to": ASKED, "due_at": due.to_string(), "procedure": PROCEDURE,
            "subject": "Xác minh nguồn gốc nguyên liệu",
            "text": "Đề nghị cho biết cơ sở cung cấp rau có giấy chứng nhận còn hiệu lực không.",
        });
        exchange.post("/v1/requests", &exchange.asks, &request).await?;
        Ok(exchange)
    }

    /// Files an application, as the portal hands it on.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub(super) async fn apply(&self) -> Result<(), DemoError> {
        let application = json!({
            "agency": ASKS, "procedure": PROCEDURE, "submitted_at": Timestamp::now().to_string(),
            "subject": "Bếp ăn của công ty",
            "applicant": { "name": "Nguyễn Thị Mẫu", "kind": "person", "phone": "0613000199",
                           "id_number": "270999199", "address": "số 9, đường Thử",
                           "commune": "26041" },
        });
        self.post("/v1/applications", &self.portal, &application).await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Result<(), DemoError> {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(key);
        let request = request.header("Idempotency-Key", KEY).body(body.to_string());
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let text = answer.text().await?;
        Err(DemoError::Io(io::Error::other(format!("POST {path}: {status} {text}"))))
    }

    /// What an address answers once it is as wanted, or at last.
    async fn becomes(
        &self,
        (path, key): (&str, &str),
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, DemoError> {
        let began = Instant::now();
        loop {
            let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(key);
            let told = serde_json::from_str(&request.send().await?.text().await?)?;
            if wanted(&told) || began.elapsed() > WITHIN {
                return Ok(told);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until all is answered, and says how.
    ///
    /// # Errors
    /// When the hub cannot be reached, or nothing can be written.
    pub(super) async fn tell(&self, out: &mut impl Write) -> Result<(), DemoError> {
        let complete = |told: &Value| told["complete"] == true;
        let (request, application) = (format!("{ASKS}:{KEY}"), format!("portal:{KEY}"));
        // What is answered in words is personal: it is read for something.
        let path = format!("/v1/requests/{request}?purpose=handling");
        let asked = self.becomes((&path, &self.asks), complete).await?;
        let path = format!("/v1/applications/{application}");
        let filed = self.becomes((&path, &self.portal), complete).await?;
        writeln!(out, "\nYêu cầu giữa các cơ quan / requests between agencies")?;
        parts(&request, &asked, "text", out)?;
        writeln!(out, "\nHồ sơ nộp trực tuyến / applications of the portal")?;
        parts(&application, &filed, "dossier", out)?;
        let code = filed["parts"][0]["answer"]["dossier"].as_str().unwrap_or_default();
        let path = format!("/v1/dossiers/{code}");
        // Its agency shows it from then on, and the hub reads it there.
        let there = |told: &Value| told["dossier"].is_object();
        let dossier = self.becomes((&path, &self.portal), there).await?;
        writeln!(out, "\nGET {path}")?;
        for member in ["procedure_name", "status", "status_raw", "accepted_at"] {
            writeln!(out, "  {member:<16}{}", dossier["dossier"][member])?;
        }
        out.flush()?;
        Ok(())
    }
}

/// How each agency stands: its state in words, and what it answered.
fn parts(id: &str, told: &Value, answer: &str, out: &mut impl Write) -> io::Result<()> {
    for part in told["parts"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (agency, state) = (text(&part["agency"]), text(&part["state"]));
        let (vi, en) = (text(&part["told"]["vi"]), text(&part["told"]["en"]));
        writeln!(out, "  {id:<18}{agency:<24}{state:<12}{vi} / {en}")?;
        if let Some(answer) = part["answer"][answer].as_str() {
            writeln!(out, "  {:<54}{answer}", "")?;
        }
    }
    Ok(())
}

/// What became of answers and replies, beside what was played: of what a system answers its hub
/// alone knows what became.
pub(super) fn tallies(
    catalog: &Catalog,
    systems: &Systems,
    replied: &Replied,
) -> BTreeMap<String, Tally> {
    let mut tallies = replied.tallies();
    tallies.retain(|id, _| catalog.channels.get(id).is_some_and(|one| one.read.is_none()));
    let received = systems.received();
    for channel in catalog.outbound.values() {
        let taken = received.get(&*channel.id).map_or(0, |one| one.taken.len() as u64);
        if let Some(by) = &channel.answered_by {
            let tally = tallies.entry(by.clone()).or_default();
            tally.sent += taken;
            *tally.outcomes.entry(OFFERED.to_owned()).or_default() += taken;
        }
    }
    tallies
}

//! What the page shows, read through the hub's operations.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use contracts::{Problem, Status, problem::Bilingual};
use jiff::{Timestamp, tz::Offset};

use super::{
    configuration, delivery,
    drift::Section,
    finding,
    folder::{self, FolderRow},
    link,
    poller::{self, PollerRow},
    standing,
};
use crate::{
    api::today,
    auth::Principal,
    operations::{By, Operations, Question, Row, Trace, agency_of},
    registry::Dimension,
    store::{Head, StoreError, Tally},
};

/// Messages shown.
const MESSAGES_SHOWN: u32 = 20;

/// Messages looked through for refusals.
const MESSAGES_SEARCHED: u32 = 200;

/// Refused records shown of one message, and in all.
const REFUSALS_OF_ONE: u32 = 3;
const REFUSALS_SHOWN: usize = 20;

/// Outcomes in the order of the columns.
const OUTCOMES: [&str; 5] = ["stored", "partial", "refused", "conflict", RECEIVING];

/// The word for a message that is not wholly here yet.
const RECEIVING: &str = "receiving";

/// What the measures begin with that count dossiers by status; a dossier is in one of them.
const IN_STATUS: &str = "in-status-";

/// How often the page is read at most until nothing was recorded meanwhile.
const READS_MAX: u32 = 5;

/// A time as people of the province read it, with what it is exactly; empty where there is none.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    pub(super) utc: String,
    pub(super) local: String,
}

impl From<String> for Time {
    fn from(utc: String) -> Self {
        let at = utc.parse::<Timestamp>().ok();
        let local = at.map(|at| Offset::constant(7).to_datetime(at));
        let local = local.map(|at| at.strftime("%H:%M:%S %d/%m/%Y").to_string());
        Self { local: local.unwrap_or_else(|| utc.clone()), utc }
    }
}

/// An agency, and of its dossiers: all, those open, those overdue.
pub(super) struct AgencyRow {
    name: String,
    name_en: String,
    channels: usize,
    counts: [i64; 3],
}

/// A channel with its counts: each outcome, and those being received.
pub(super) struct ChannelRow {
    id: String,
    agency: String,
    mode: &'static str,
    mode_vi: &'static str,
    transport: Bilingual,
    last_at: Time,
    last_vi: &'static str,
    counts: [u64; 5],
}

impl ChannelRow {
    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// A message.
pub(super) struct MessageLine {
    recorded_at: Time,
    channel: String,
    id: String,
    outcome: String,
    outcome_vi: &'static str,
    records: u64,
    refused: u64,
}

/// A problem of a refused record.
pub(super) struct RefusalRow {
    recorded_at: Time,
    agency: String,
    channel: String,
    id: String,
    record: String,
    place: String,
    problem: Problem,
}

/// How many dossiers stand in a status.
pub(super) struct StatusRow {
    code: u8,
    name_vi: &'static str,
    name_en: &'static str,
    dossiers: i64,
}

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page {
    head: Head,
    read_at: Time,
    recorded_at: Time,
    configuration: configuration::Section,
    agencies: Vec<AgencyRow>,
    agency_totals: [i64; 3],
    channels: Vec<ChannelRow>,
    message_totals: [u64; 6],
    folders: Vec<FolderRow>,
    pollers: Vec<PollerRow>,
    messages: Vec<MessageLine>,
    refusals: Vec<RefusalRow>,
    statuses: Vec<StatusRow>,
    findings: finding::Section,
    links: link::Section,
    deliveries: delivery::Section,
    drift: Section,
    standing: standing::Section,
    total: i64,
    today: String,
}

impl Page {
    /// Reads all that the page shows, at one position of the journal.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let mut page = Self::once(operations).await?;
        for _ in 1..READS_MAX {
            // Every outcome is recorded: between two equal heads nothing has changed.
            if operations.store.head().await?.tree.size == page.head.tree.size {
                break;
            }
            page = Self::once(operations).await?;
        }
        Ok(page)
    }

    async fn once(operations: &Operations) -> Result<Self, StoreError> {
        let who = Principal::Operator;
        let head = operations.store.head().await?;
        let tallies = operations.outcomes(&who).await?;
        let traces = operations.latest(&who, MESSAGES_SEARCHED, REFUSALS_OF_ONE).await?;
        let today = today();
        let question = Question {
            by: BTreeSet::from([By::Place(Dimension::Agency)]),
            as_of: Some(head.tree.size),
            ..Question::of(today, today)
        };
        let numbers = operations.statistics(&who, &question).await?;
        let statuses = statuses(&numbers.rows);
        let (agencies, channels) =
            (agencies(operations, &numbers.rows), channels(operations, tallies));
        let folders =
            operations.catalog.channels.values().filter_map(|c| folder::row(operations, c));
        let refusals = traces.iter().flat_map(|trace| refused(operations, trace));
        Ok(Self {
            read_at: Timestamp::now().to_string().into(),
            recorded_at: head.recorded_at.map(|at| at.to_string().into()).unwrap_or_default(),
            configuration: configuration::Section::read(operations),
            head,
            agency_totals: agencies
                .iter()
                .fold([0; 3], |sums, row| std::array::from_fn(|at| sums[at] + row.counts[at])),
            agencies,
            message_totals: channels.iter().fold([0; 6], |sums, row| {
                let [stored, partial, refused, conflict, receiving] = row.counts;
                let row = [stored, partial, refused, conflict, receiving, row.total()];
                std::array::from_fn(|at| sums[at] + row[at])
            }),
            channels,
            folders: folders.collect(),
            pollers: poller::rows(operations.pollers(&who).await?),
            messages: traces.iter().take(MESSAGES_SHOWN as usize).map(line).collect(),
            refusals: refusals.take(REFUSALS_SHOWN).collect(),
            total: statuses.iter().map(|row| row.dossiers).sum(),
            statuses,
            findings: finding::Section::read(operations).await?,
            links: link::Section::read(operations).await?,
            deliveries: delivery::Section::read(operations).await?,
            drift: Section::read(operations).await?,
            standing: standing::Section::read(operations).await?,
            today: today.strftime("%d/%m/%Y").to_string(),
        })
    }
}

/// Every connected agency, and every other that dossiers name.
fn agencies(operations: &Operations, rows: &[Row]) -> Vec<AgencyRow> {
    let mut counted: BTreeMap<&str, [i64; 3]> = BTreeMap::new();
    for row in rows {
        let number = |name: &str| row.measures.get(name).copied().unwrap_or(0);
        let all = row.measures.iter().filter(|(name, _)| name.starts_with(IN_STATUS));
        let all = all.map(|(_, n)| n).sum();
        let id = row.place.get("agency").map(String::as_str).unwrap_or_default();
        counted.insert(id, [all, number("open"), number("overdue")]);
    }
    let known = operations.catalog.agencies.iter().map(|agency| AgencyRow {
        name: agency.name.clone(),
        name_en: agency.name_en.clone(),
        channels: agency.channels.len(),
        counts: counted.remove(agency.id.as_str()).unwrap_or_default(),
    });
    let mut known: Vec<AgencyRow> = known.collect();
    known.extend(counted.into_iter().map(|(id, counts)| AgencyRow {
        name: id.to_owned(),
        name_en: String::new(),
        channels: 0,
        counts,
    }));
    known
}

/// The name of the agency that a channel is of.
fn agency_name(operations: &Operations, channel: &str) -> String {
    let id = agency_of(channel);
    let agency = operations.catalog.agencies.iter().find(|agency| agency.id == id);
    agency.map(|agency| agency.name.clone()).unwrap_or_default()
}

/// Every configured channel, and every one that the store knows from earlier.
fn channels(operations: &Operations, tallies: Vec<Tally>) -> Vec<ChannelRow> {
    let row = |id: &str, mode: &'static str, transport: &'static str| ChannelRow {
        id: id.to_owned(),
        agency: agency_name(operations, id),
        mode,
        mode_vi: mode_vi(mode),
        transport: transport_words(transport),
        last_at: Time::default(),
        last_vi: "",
        counts: [0; 5],
    };
    let known = operations.catalog.channels.values();
    let mut rows: BTreeMap<String, ChannelRow> = known
        .map(|one| (one.id.clone(), row(&one.id, one.mode().as_str(), one.transport())))
        .collect();
    for tally in tallies {
        let other = || match operations.catalog.channel(&tally.channel) {
            Some(own) => row(&tally.channel, own.mode().as_str(), "own"),
            None => row(&tally.channel, "", "–"),
        };
        let row = rows.entry(tally.channel.clone()).or_insert_with(other);
        let outcome = tally.outcome.as_deref().unwrap_or(RECEIVING);
        let last_at = Time::from(tally.last_at);
        if last_at > row.last_at {
            (row.last_at, row.last_vi) = (last_at, outcome_vi(outcome));
        }
        for (name, count) in OUTCOMES.iter().zip(&mut row.counts) {
            *count += if outcome == *name { tally.messages } else { 0 };
        }
    }
    rows.into_values().collect()
}

fn transport_words(transport: &str) -> Bilingual {
    let (vi, en) = match transport {
        "rest" => ("Gửi qua HTTP", "push"),
        "file" => ("Thả tệp vào thư mục", "file drop"),
        "poll" => ("Hệ thống đọc API", "API read"),
        "database" => ("Hệ thống đọc cơ sở dữ liệu", "database read"),
        "amqp" => ("Hệ thống nhận từ hàng đợi", "queue consumed"),
        "soap" => ("Gọi dịch vụ web", "SOAP"),
        "lgsp" => ("Như gửi lên LGSP", "LGSP"),
        "dvcqg" => ("Như gửi lên Cổng DVC quốc gia", "DVCQG"),
        "own" => ("Gửi đến địa chỉ của hệ thống", "posted to the hub's own address"),
        _ => (transport, ""),
    };
    Bilingual { vi: vi.to_owned(), en: en.to_owned() }
}

fn mode_vi(mode: &str) -> &'static str {
    match mode {
        "live" => "chính thức",
        "trial" => "thử nghiệm",
        "backfill" => "nạp dữ liệu cũ",
        _ => "không còn cấu hình",
    }
}

fn line(trace: &Trace) -> MessageLine {
    let message = &trace.message;
    let outcome = message.outcome.clone().unwrap_or_else(|| RECEIVING.to_owned());
    MessageLine {
        recorded_at: message.recorded_at.clone().into(),
        channel: message.channel.clone(),
        id: message.id.clone(),
        outcome_vi: outcome_vi(&outcome),
        outcome,
        records: message.records,
        refused: message.refused,
    }
}

fn outcome_vi(outcome: &str) -> &'static str {
    match outcome {
        "stored" => "đã ghi nhận",
        "partial" => "ghi nhận một phần",
        "refused" => "từ chối",
        "conflict" => "trùng mã, khác nội dung",
        _ => "đang nhận",
    }
}

fn refused<'a>(
    operations: &'a Operations,
    trace: &'a Trace,
) -> impl Iterator<Item = RefusalRow> + 'a {
    trace.refusals.iter().flat_map(move |refusal| {
        refusal.problems.iter().map(move |problem| RefusalRow {
            recorded_at: trace.message.recorded_at.clone().into(),
            agency: agency_name(operations, &trace.message.channel),
            channel: trace.message.channel.clone(),
            id: trace.message.id.clone(),
            record: refusal.record.map(|number| number.to_string()).unwrap_or_default(),
            place: place(problem),
            problem: problem.clone(),
        })
    })
}

/// Where in the payload, in few words.
fn place(problem: &Problem) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(problem.place.path.clone().filter(|path| !path.is_empty()));
    match (problem.place.line, problem.place.column) {
        (Some(line), Some(column)) => parts.push(format!("{line}:{column}")),
        (Some(line), None) => parts.push(line.to_string()),
        _ => {}
    }
    if parts.is_empty() {
        parts.push(problem.pointer.clone());
    }
    parts.join(" · ")
}

fn statuses(rows: &[Row]) -> Vec<StatusRow> {
    let all = (1..=10).filter_map(|code| Status::try_from(code).ok());
    all.map(|status| {
        let measure = format!("{IN_STATUS}{}", status.code());
        StatusRow {
            code: status.code(),
            name_vi: status.name_vi(),
            name_en: status.name_en(),
            dossiers: rows.iter().filter_map(|row| row.measures.get(&*measure)).sum(),
        }
    })
    .collect()
}

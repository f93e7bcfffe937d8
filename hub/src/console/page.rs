//! What the page shows, read through the hub's operations.

use std::collections::BTreeMap;

use askama::Template;
use contracts::{Problem, Status, problem::Bilingual};

use super::drift::Section;
use crate::{
    api::today,
    auth::Principal,
    catalog::Channel,
    operations::{Operations, Question, Trace},
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
const OUTCOMES: [&str; 4] = ["stored", "partial", "refused", "conflict"];

/// An agency.
pub(super) struct AgencyRow {
    id: String,
    name: String,
    name_en: String,
    channels: usize,
}

/// A channel with its counts.
pub(super) struct ChannelRow {
    id: String,
    mode: &'static str,
    mode_vi: &'static str,
    transport: &'static str,
    last_at: String,
    counts: [u64; 4],
    receiving: u64,
}

/// A drop folder.
pub(super) struct FolderRow {
    channel: String,
    folder: String,
    waiting: u64,
    oldest: String,
    states: Vec<Bilingual>,
}

/// A message.
pub(super) struct MessageLine {
    recorded_at: String,
    channel: String,
    id: String,
    outcome: String,
    outcome_vi: &'static str,
    records: u64,
    refused: u64,
}

/// A problem of a refused record.
pub(super) struct RefusalRow {
    recorded_at: String,
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
    recorded_at: String,
    agencies: Vec<AgencyRow>,
    channels: Vec<ChannelRow>,
    folders: Vec<FolderRow>,
    messages: Vec<MessageLine>,
    refusals: Vec<RefusalRow>,
    statuses: Vec<StatusRow>,
    drift: Section,
    total: i64,
    today: String,
}

impl Page {
    /// Reads all that the page shows.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let who = Principal::Operator;
        let head = operations.store.head().await?;
        let tallies = operations.outcomes(&who).await?;
        let traces = operations.latest(&who, MESSAGES_SEARCHED, REFUSALS_OF_ONE).await?;
        let today = today();
        let question = Question::of(today, today);
        let numbers = operations.statistics(&who, &question).await?;
        let measures = numbers.rows.into_iter().next().map(|row| row.measures);
        let statuses = statuses(&measures.unwrap_or_default());
        let agencies = operations.catalog.agencies.iter().map(|agency| AgencyRow {
            id: agency.id.clone(),
            name: agency.name.clone(),
            name_en: agency.name_en.clone(),
            channels: agency.channels.len(),
        });
        Ok(Self {
            recorded_at: head.recorded_at.map(|at| at.to_string()).unwrap_or_default(),
            head,
            agencies: agencies.collect(),
            channels: channels(operations, tallies),
            folders: operations
                .catalog
                .channels
                .values()
                .filter_map(|c| folder(operations, c))
                .collect(),
            messages: traces.iter().take(MESSAGES_SHOWN as usize).map(line).collect(),
            refusals: traces.iter().flat_map(refused).take(REFUSALS_SHOWN).collect(),
            total: statuses.iter().map(|row| row.dossiers).sum(),
            statuses,
            drift: Section::read(operations).await?,
            today: today.to_string(),
        })
    }
}

/// Every configured channel, and every one that the store knows from earlier.
fn channels(operations: &Operations, tallies: Vec<Tally>) -> Vec<ChannelRow> {
    let row = |id: &str, mode: &'static str, transport: &'static str| ChannelRow {
        id: id.to_owned(),
        mode,
        mode_vi: mode_vi(mode),
        transport,
        last_at: String::new(),
        counts: [0; 4],
        receiving: 0,
    };
    let known = operations.catalog.channels.values();
    let mut rows: BTreeMap<String, ChannelRow> = known
        .map(|one| (one.id.clone(), row(&one.id, one.mode.as_str(), one.transport())))
        .collect();
    for tally in tallies {
        let row = rows.entry(tally.channel.clone()).or_insert_with(|| row(&tally.channel, "", "–"));
        row.last_at = tally.last_at.max(std::mem::take(&mut row.last_at));
        match tally.outcome {
            None => row.receiving += tally.messages,
            Some(outcome) => {
                for (name, count) in OUTCOMES.iter().zip(&mut row.counts) {
                    *count += if outcome == *name { tally.messages } else { 0 };
                }
            }
        }
    }
    rows.into_values().collect()
}

/// How a channel's drop folder stands, if it has one.
fn folder(operations: &Operations, channel: &Channel) -> Option<FolderRow> {
    let dropped = channel.dropped.as_ref()?;
    let standing = operations.drop_folders.get(&channel.id)?.borrow().clone();
    let told = |vi: String, en: String| Bilingual { vi, en };
    let mut states = Vec::new();
    states.extend(standing.trouble.map(|trouble| trouble.told()));
    if standing.elsewhere {
        let vi = "Tiến trình khác của hệ thống đang phụ trách.".to_owned();
        states.push(told(vi, "Another process of the hub takes its files.".to_owned()));
    }
    if standing.strange > 0 {
        let vi = format!("Có {} thư mục con; tệp trong đó không được nhận.", standing.strange);
        let en = format!("{} folders lie in it, whose files nobody takes.", standing.strange);
        states.push(told(vi, en));
    }
    if states.is_empty() {
        states.push(told("Bình thường.".to_owned(), "In order.".to_owned()));
    }
    Some(FolderRow {
        channel: channel.id.clone(),
        folder: dropped.folder.to_string(),
        waiting: standing.waiting,
        oldest: standing.oldest.map(|at| at.to_string()).unwrap_or_default(),
        states,
    })
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
    let outcome = message.outcome.clone().unwrap_or_else(|| "receiving".to_owned());
    MessageLine {
        recorded_at: message.recorded_at.clone(),
        channel: message.channel.clone(),
        id: message.id.clone(),
        outcome_vi: match outcome.as_str() {
            "stored" => "đã ghi nhận",
            "partial" => "ghi nhận một phần",
            "refused" => "từ chối",
            "conflict" => "trùng mã, khác nội dung",
            _ => "đang nhận",
        },
        outcome,
        records: message.records,
        refused: message.refused,
    }
}

fn refused(trace: &Trace) -> impl Iterator<Item = RefusalRow> {
    trace.refusals.iter().flat_map(|refusal| {
        refusal.problems.iter().map(|problem| RefusalRow {
            recorded_at: trace.message.recorded_at.clone(),
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

fn statuses(measures: &BTreeMap<String, i64>) -> Vec<StatusRow> {
    let all = (1..=10).filter_map(|code| Status::try_from(code).ok());
    all.map(|status| StatusRow {
        code: status.code(),
        name_vi: status.name_vi(),
        name_en: status.name_en(),
        dossiers: measures.get(&format!("in-status-{}", status.code())).copied().unwrap_or(0),
    })
    .collect()
}

//! How channels stand: when they were heard from, what is due of them, how they conform.

use std::collections::HashMap;

use contracts::problem::Bilingual;
use jiff::{Timestamp, civil::Date, tz};
use serde::Serialize;

use super::super::{By, Operations, Question, WEBHOOK, agency_of};
use crate::{
    auth::Principal,
    catalog::{Channel, Expected},
    journal::entry::Mode,
    registry::{
        Dimension,
        calendar::{At, Calendar},
        channel::{Conformance, Figures, Heard, Rhythm, conformance, due, learned, works},
        measure::{day_number, day_of},
    },
    store::{
        StoreError,
        channels::{Alert, DayRow},
        deliveries::Running,
        refusals::ANY_CODE,
    },
};

/// Days on which a channel was heard from that its rhythm is learned from.
const LEARNED_DAYS: u32 = 36;
/// Days that conformance is measured over, today included.
pub const MEASURED_DAYS: i32 = 30;

/// The alert of a channel that has fallen silent, of one that is paused, and of one that is held.
const SILENT: &str = "silent";
const PAUSED: &str = "paused";
const HELD: &str = "held";
/// Every kind of alert.
pub(crate) const ALERT_KINDS: [&str; 4] = [SILENT, PAUSED, HELD, WEBHOOK];

/// When a channel was heard from, and what is due of it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChannelHeard {
    /// The channel.
    pub channel: String,
    /// Whether what it sends counts.
    #[schema(value_type = crate::described::ChannelMode)]
    pub mode: Mode,
    /// How it is received.
    pub transport: &'static str,
    /// When it was heard from last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_at: Option<Timestamp>,
    /// The rhythm in which it is expected; none where it is not known, or it is never expected.
    pub rhythm: Option<Rhythm>,
    /// Until when it must be heard from.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    /// Whether that has passed.
    pub silent: bool,
    /// Days on which something was expected since it was due, today included.
    #[serde(skip)]
    silent_days: Option<u32>,
    /// What it had, the latest day first.
    #[serde(skip)]
    days: Vec<DayRow>,
}

/// How a channel stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChannelStanding {
    /// When it was heard from.
    #[serde(flatten)]
    pub heard: ChannelHeard,
    /// Its refusals that are open.
    pub open_refusals: u64,
    /// How it conforms.
    pub conformance: Conformance,
    /// The numbers that this comes from.
    pub figures: Figures,
    /// The days that they are of.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last one.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
}

fn millis(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

fn local(at: Timestamp) -> At {
    At::of(contracts::Moment::Instant(at))
}

/// A time as people of the province write it.
fn words(at: Option<Timestamp>) -> String {
    let local = at.map(|at| tz::offset(7).to_datetime(at));
    local.map(|at| at.strftime("%H:%M %d/%m/%Y").to_string()).unwrap_or_default()
}

/// What is due of a channel that had something on some days, the latest first.
fn heard(
    channel: &Channel,
    days: Vec<DayRow>,
    calendar: Option<&Calendar>,
    now: Timestamp,
) -> ChannelHeard {
    let works = |day: i32| works(calendar, day);
    let today = local(now).day;
    let second = |at: i64| millis(at).map_or(0, |at| local(at).second);
    let with_messages = days.iter().filter(|one| one.counts.messages > 0);
    let last_at = with_messages.clone().next().and_then(|one| millis(one.counts.last_at));
    // Of today it is not known yet what it will be like.
    let mut known: Vec<Heard> = with_messages
        .filter(|one| one.day < today)
        .map(|one| Heard {
            day: one.day,
            messages: one.counts.messages,
            first: second(one.counts.first_at),
            last: second(one.counts.last_at),
            pause: u32::try_from(one.counts.pause / 1_000).unwrap_or(u32::MAX),
        })
        .collect();
    known.reverse();
    let rhythm = match channel.expected {
        Expected::Never => None,
        Expected::Declared(rhythm) => Some(rhythm),
        Expected::Learned => learned(&known, &works),
    };
    let due = rhythm.zip(last_at).map(|(rhythm, last)| due(&rhythm, local(last), &works));
    let due_at = due.and_then(|due| match due.moment() {
        contracts::Moment::Instant(at) => Some(at),
        contracts::Moment::Day(_) => None,
    });
    let silent = due_at.is_some_and(|due| due < now);
    let silent_days = due.map(|due| match silent {
        false => 0,
        true => {
            let days = (due.day..=today).filter(|day| works(*day)).count().max(1);
            u32::try_from(days).unwrap_or(u32::MAX)
        }
    });
    ChannelHeard {
        channel: channel.id.clone(),
        mode: channel.mode(),
        transport: channel.transport(),
        last_at,
        rhythm,
        due_at,
        silent,
        silent_days,
        days,
    }
}

/// What there is of an agency's dossiers: finished in time, late, and overdue.
type Kept = (u64, u64, u64);

impl Operations {
    /// When the channels of the asker's were heard from, one of them or all, and what is due.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn channels_heard(
        &self,
        who: &Principal,
        only: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<ChannelHeard>, StoreError> {
        let channels: Vec<&Channel> = self
            .catalog
            .channels
            .values()
            .filter(|channel| who.owns(agency_of(&channel.id)))
            .filter(|channel| only.is_none_or(|only| only == channel.id))
            .collect();
        let ids = channels.iter().map(|channel| channel.id.clone()).collect();
        let days = self.store.channel_days(ids, LEARNED_DAYS).await?;
        let held = self.published.get();
        let calendar = held.as_ref().and_then(|held| held.edition.catalogue.calendar.as_ref());
        let each = channels.into_iter().zip(days);
        Ok(each.map(|(channel, days)| heard(channel, days, calendar, now)).collect())
    }

    /// How the channels of the asker's stand, one of them or all.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn standings(
        &self,
        who: &Principal,
        only: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<ChannelStanding>, StoreError> {
        let heard = self.channels_heard(who, only, now).await?;
        let counts = self.store.refusal_counts(only.map(ToOwned::to_owned)).await?;
        let drift = self.drift_lately().await?;
        let today = local(now).day;
        let (from, to) = (day_of(today - MEASURED_DAYS + 1), day_of(today));
        let kept = self.kept(who, (from, to)).await?;
        let controls = self.store.controls(only.map(ToOwned::to_owned)).await?;
        let standing = |heard: ChannelHeard| {
            let id = &heard.channel;
            let open = counts.iter().find(|one| one.channel == *id && one.code == ANY_CODE);
            let seen = drift.channels.iter().find(|one| one.channel == *id);
            let since = from.to_string();
            let changes = seen.map(|seen| {
                seen.changes.iter().filter(|change| change.since >= since).count() as u64
            });
            let control = controls.iter().find(|one| one.channel == *id);
            let (in_time, late, overdue) = kept.get(agency_of(id)).copied().unwrap_or_default();
            let mut figures = Figures {
                silent_days: heard.silent_days,
                controlled: control.map(|one| (one.told, one.told - one.missing.min(one.told))),
                drift: changes,
                in_time,
                late,
                overdue,
                ..Figures::default()
            };
            for one in heard.days.iter().filter(|one| one.day >= day_number(from)) {
                figures.records += one.counts.records;
                figures.refused += one.counts.refused_records;
                figures.messages += one.counts.messages;
                figures.repeats += one.repeats;
            }
            ChannelStanding {
                open_refusals: open.map_or(0, |one| one.refusals),
                conformance: conformance(&figures),
                figures,
                from,
                to,
                heard,
            }
        };
        Ok(heard.into_iter().map(standing).collect())
    }

    /// How agencies kept their dates between two days.
    async fn kept(
        &self,
        who: &Principal,
        (from, to): (Date, Date),
    ) -> Result<HashMap<String, Kept>, StoreError> {
        let mut question = Question::of(from, to);
        question.by.insert(By::Place(Dimension::Agency));
        let numbers = self.statistics(who, &question).await?;
        let mut kept = HashMap::new();
        for row in numbers.rows {
            let number = |name: &str| {
                u64::try_from(row.measures.get(name).copied().unwrap_or(0)).unwrap_or(0)
            };
            let in_time = number("finished-early") + number("finished-on-time");
            let agency = row.place.get("agency").cloned().unwrap_or_default();
            kept.insert(agency, (in_time, number("finished-late"), number("overdue")));
        }
        Ok(kept)
    }

    /// The alerts that are open and the asker's to see.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn alerts(&self, who: &Principal) -> Result<Vec<Alert>, StoreError> {
        let mut alerts = self.store.alerts().await?;
        alerts.retain(|alert| who.owns(agency_of(&alert.channel)));
        Ok(alerts)
    }

    /// What an operator is to look at now: channels that count and have fallen silent, those that
    /// are held, outbound channels that are paused, and webhooks that have fallen.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn standing_alerts(&self, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
        let who = Principal::Operator;
        let opened_at = now.as_millisecond();
        let heard = self.channels_heard(&who, None, now).await?;
        // One that is held cannot be heard from: why is told.
        let held = self.held_alerts(opened_at).await?;
        let is_held = |channel: &String| held.iter().any(|one| one.channel == *channel);
        let silent = heard.into_iter().filter(|one| one.silent && one.mode == Mode::Live);
        let silent = silent.filter(|one| !is_held(&one.channel));
        let mut alerts: Vec<Alert> = silent
            .map(|one| {
                let (last, due) = (words(one.last_at), words(one.due_at));
                let vi =
                    format!("Kênh im lặng: nhận lần cuối lúc {last}, lẽ ra phải có trước {due}.");
                let en = format!("Silent: heard from last at {last}, due by {due}.");
                let told = Bilingual { vi, en };
                Alert {
                    channel: one.channel,
                    kind: SILENT.to_owned(),
                    told,
                    opened_at,
                    closed_at: None,
                }
            })
            .collect();
        alerts.extend(held);
        alerts.extend(self.webhook_alerts(opened_at).await?);
        for one in self.outbox(&who).await? {
            let Some(decided) = one.decided.filter(|one| one.state == Running::Paused) else {
                continue;
            };
            let vi = format!("Tạm dừng giao: {}", decided.reason);
            let told = Bilingual { vi, en: format!("Deliveries are paused: {}", decided.reason) };
            let kind = PAUSED.to_owned();
            alerts.push(Alert { channel: one.channel, kind, told, opened_at, closed_at: None });
        }
        Ok(alerts)
    }

    /// Channels that are held because what they send has changed: one alert each.
    async fn held_alerts(&self, opened_at: i64) -> Result<Vec<Alert>, StoreError> {
        let mut alerts: Vec<Alert> = Vec::new();
        for (channel, hold) in self.held().await? {
            let Bilingual { vi, en } = &hold.change.detail;
            if let Some(known) = alerts.iter_mut().find(|one| one.channel == channel) {
                known.told.vi = format!("{} {vi}", known.told.vi);
                known.told.en = format!("{} {en}", known.told.en);
                continue;
            }
            let vi = format!("Tạm giữ, chờ `lienthong drift accept {channel}`: {vi}");
            let en = format!("Held, until `lienthong drift accept {channel}`: {en}");
            let (told, kind) = (Bilingual { vi, en }, HELD.to_owned());
            alerts.push(Alert { channel, kind, told, opened_at, closed_at: None });
        }
        Ok(alerts)
    }
}

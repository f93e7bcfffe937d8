//! What one source says of one dossier, folded: its versions, its events, its retractions.

use std::collections::BTreeMap;

use contracts::dossier::{Applicant, Fee, Outcome};
use contracts::exchange::Attachment;
use contracts::{Dossier, Moment, Progress, Status};
use serde_json::{Map, Value};

use super::observation::{Content, Observation, Version};
use super::past::says;
use super::state::{Doubt, Extension, Identity, Promise, SourceName, TimelineStep};
use super::timeline::{dated_steps, status_date, tidy};

/// The members of a dossier as one source tells them: where they lie in what it told.
#[derive(Debug, Clone, Default)]
pub(super) struct Members<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) agency: Option<&'a str>,
    pub(super) procedure: Option<&'a str>,
    pub(super) procedure_source_code: Option<&'a str>,
    pub(super) procedure_name: Option<&'a str>,
    pub(super) field: Option<&'a str>,
    pub(super) commune: Option<&'a str>,
    pub(super) channel: Option<&'a str>,
    pub(super) submitted_at: Option<Moment>,
    pub(super) accepted_at: Option<Moment>,
    pub(super) due_at: Option<Moment>,
    /// Status, the source's word and its date: they belong together.
    pub(super) status: Option<(Status, Option<&'a str>, Option<Moment>)>,
    pub(super) finished_at: Option<Moment>,
    pub(super) returned_at: Option<Moment>,
    pub(super) unit: Option<&'a str>,
    pub(super) officer: Option<&'a str>,
    pub(super) note: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
    pub(super) result: Option<&'a Outcome>,
    pub(super) fees: Option<&'a [Fee]>,
    pub(super) attachments: Option<&'a [Attachment]>,
    pub(super) applicant: Option<&'a Applicant>,
    pub(super) attributes: Map<String, Value>,
}

/// One source's view of one dossier.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) identity: Identity,
    /// The source's name, to be shared.
    pub(super) source: SourceName,
    /// Whether it is withdrawn, and nothing later revived it.
    pub(super) retracted: bool,
    pub(super) members: Members<'a>,
    /// When the latest snapshot's status took effect, else its version time.
    effective: Option<Moment>,
    /// When an event changed a member.
    changed: BTreeMap<&'static str, Moment>,
    pub(super) steps: Vec<TimelineStep>,
    pub(super) promises: Vec<Promise>,
    pub(super) extensions: Vec<Extension>,
    pub(super) doubts: Vec<Doubt>,
}

struct Told<'a> {
    version: Version,
    body: &'a Dossier,
    /// What it says, of one in short.
    says: Option<&'a [u8; 32]>,
    hash: [u8; 32],
}

impl<'a> Told<'a> {
    fn new(one: &Observation, body: &'a Dossier, says: Option<&'a [u8; 32]>) -> Self {
        let version = Version::new(body.source_version.as_deref(), one.recorded_at);
        Self { version, body, says, hash: one.content_hash }
    }

    /// The time against which events and retractions are weighed: the version where it is a time,
    /// else the latest date the snapshot itself carries.
    fn time(&self) -> Option<Moment> {
        let own = [
            status_date(self.body),
            self.body.returned_at,
            self.body.finished_at,
            self.body.accepted_at,
            self.body.submitted_at,
        ];
        self.version.time().or_else(|| own.into_iter().flatten().max())
    }
}

/// Whether two snapshots say the same: version and warnings are about the telling.
fn same(one: &Told<'_>, other: &Told<'_>) -> bool {
    let (a, b) = (one.body, other.body);
    // Most differ here already; only those that do not are compared whole.
    if (a.status, a.due_at, a.finished_at) != (b.status, b.due_at, b.finished_at) {
        return false;
    }
    let says = |told: &Told<'_>| told.says.copied().unwrap_or_else(|| says(told.body));
    says(one) == says(other)
}

impl<'a> View<'a> {
    /// Folds the standing observations of one identity, in any order.
    pub(super) fn new(identity: Identity, observations: &[&'a Observation]) -> Self {
        let (mut told, mut events, mut withdrawn) = (Vec::new(), Vec::new(), Vec::new());
        for one in observations {
            match &one.content {
                Content::Snapshot(body) => told.push(Told::new(one, body, None)),
                Content::Past(past) => told.push(Told::new(one, &past.body, Some(&past.says))),
                Content::Event(body) => events.push((&**body, one.content_hash)),
                Content::Retraction { at, .. } => withdrawn.push(*at),
            }
        }
        let rank = |status: Option<Status>| status.map_or(0, Status::life_cycle_rank);
        told.sort_by(|a, b| {
            let tie = |one: &Told<'_>| (rank(Some(one.body.status)), one.hash);
            a.version.cmp(&b.version).then_with(|| tie(a).cmp(&tie(b)))
        });
        events.sort_by_key(|(body, hash)| (body.at, rank(body.status), *hash));
        let events: Vec<_> = events.into_iter().map(|(body, _)| body).collect();
        let mut view = Self::empty(identity);
        view.retracted = withdrawn.iter().max().is_some_and(|gone| {
            let spoke = told.iter().filter_map(Told::time).max();
            spoke.max(events.last().map(|event| event.at)) <= Some(*gone)
        });
        view.compare_versions(&told);
        let told = distinct(told, &withdrawn);
        view.snapshots(&told, &events);
        view.events(told.last().and_then(Told::time), &events);
        view.steps = tidy(std::mem::take(&mut view.steps));
        view
    }

    fn empty(identity: Identity) -> Self {
        Self {
            source: SourceName::from(identity.source.as_str()),
            identity,
            retracted: false,
            members: Members::default(),
            effective: None,
            changed: BTreeMap::new(),
            steps: Vec::new(),
            promises: Vec::new(),
            extensions: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// When this source's word on `member` took effect.
    pub(super) fn since(&self, member: &str) -> Option<Moment> {
        self.changed.get(member).copied().or(self.effective)
    }

    fn compare_versions(&mut self, told: &[Told<'_>]) {
        let differs =
            |pair: &&[Told<'_>]| pair[0].version == pair[1].version && !same(&pair[0], &pair[1]);
        let Some(pair) = told.windows(2).find(differs) else { return };
        let version = pair[0].body.source_version.as_deref().unwrap_or("-");
        let vi = format!("Phiên bản {version} có hai nội dung khác nhau.");
        let en = format!("Version {version} has two different contents.");
        let values = [("version", version.to_owned())];
        let doubt = Doubt::new("same-version-differs", &self.identity, (vi, en), values);
        self.doubts.push(doubt.of_source(&self.identity.source));
    }

    fn snapshots(&mut self, told: &[Told<'a>], events: &[&Progress]) {
        let mut last: Option<(Status, TimelineStep)> = None;
        let mut before: Option<&Told<'_>> = None;
        for one in told {
            let body = one.body;
            let at = status_date(body).or(one.version.time());
            let step = at.map(|at| TimelineStep {
                at,
                status: body.status,
                status_raw: Some(body.status_raw.clone()),
                source: body.source.clone(),
            });
            if let Some((_, done)) = last.take_if(|(status, _)| *status != body.status) {
                self.steps.push(done);
            }
            // While a status lasts, its first known step stands, unless its date is corrected.
            let keeps = last.is_some() && status_date(body).is_none();
            if !keeps && let Some(step) = step {
                last = Some((body.status, step));
            }
            self.promise(before, one, events);
            before = Some(one);
        }
        self.steps.extend(last.map(|(_, step)| step));
        if let Some(one) = before {
            self.steps.extend(dated_steps(one.body));
            self.effective = status_date(one.body).or(one.version.time());
            self.members = members(one.body);
        }
    }

    /// Notes the due date a snapshot declares. One that nothing accounts for is no promise: it is
    /// told, and asked about.
    fn promise(&mut self, before: Option<&Told<'_>>, now: &Told<'_>, events: &[&Progress]) {
        let Some(due_at) = now.body.due_at else { return };
        let Some(old) = self.promises.last().map(|promise| promise.due_at) else {
            self.promises.push(Promise { at: None, due_at });
            return;
        };
        if old == due_at {
            return;
        }
        let waits = |one: &Told<'_>| waits(one.body.status);
        let asked = |one: &Told<'_>| one.body.supplements.len();
        let since = before.and_then(Told::time);
        let accounted = waits(now)
            || before.is_some_and(|one| waits(one) || asked(one) < asked(now))
            || events.iter().any(|event| {
                moves_promise(event)
                    && Some(event.at) > since
                    && now.time().is_none_or(|now| event.at <= now)
            });
        let told = before.and_then(|one| one.body.due_at);
        if accounted {
            self.promises.push(Promise { at: now.time(), due_at });
        } else if told != Some(due_at) {
            self.moved(told.unwrap_or(old), due_at);
        }
    }

    fn moved(&mut self, old: Moment, new: Moment) {
        let vi = format!("Ngày hẹn trả đổi từ {old} sang {new}; không thấy bổ sung hay gia hạn.");
        let en =
            format!("The due date moved from {old} to {new}; no supplement or extension is seen.");
        let values = [("from", old.to_string()), ("to", new.to_string())];
        let doubt = Doubt::new("due-date-moved", &self.identity, (vi, en), values);
        self.doubts.push(doubt.of_source(&self.identity.source));
    }

    /// Applies the events, oldest first. All of them build the timeline and tell extensions; only
    /// those later than the latest snapshot change members.
    fn events(&mut self, after: Option<Moment>, events: &[&'a Progress]) {
        for event in events {
            self.steps.extend(event.status.map(|status| TimelineStep {
                at: event.at,
                status,
                status_raw: event.status_raw.clone(),
                source: event.source.clone(),
            }));
            if event.kind == "extension" {
                let apology = event.apology == Some(true);
                self.extensions.push(Extension { at: event.at, due_at: event.due_at, apology });
            }
            if after.is_none_or(|after| event.at > after) {
                self.apply(event);
            }
        }
    }

    fn apply(&mut self, event: &'a Progress) {
        if let Some(due_at) = event.due_at {
            let told = self.members.due_at;
            match self.promises.last().map(|promise| promise.due_at) {
                None => self.promises.push(Promise { at: None, due_at }),
                Some(old) if old == due_at => {}
                Some(_) if moves_promise(event) => {
                    self.promises.push(Promise { at: Some(event.at), due_at });
                }
                Some(old) if told != Some(due_at) => self.moved(told.unwrap_or(old), due_at),
                Some(_) => {}
            }
        }
        let now = &mut self.members;
        now.agency.get_or_insert(&event.agency);
        let status = event.status.map(|to| (to, event.status_raw.as_deref(), Some(event.at)));
        macro_rules! change {
            ($($member:ident = $value:expr;)*) => {$(
                if let Some(value) = $value {
                    now.$member = Some(value);
                    self.changed.insert(stringify!($member), event.at);
                }
            )*};
        }
        change! {
            code = event.code.as_deref();
            due_at = event.due_at;
            status = status;
            finished_at = event.finished_at;
            returned_at = event.returned_at;
            unit = event.unit.as_deref();
            officer = event.officer.as_deref();
            note = event.note.as_deref();
            result = event.result.as_ref();
        }
        for (name, value) in &event.attributes {
            now.attributes.insert(name.clone(), value.clone());
            self.changed.insert("attributes", event.at);
        }
    }
}

/// Whether an event is of a kind that may move the promise.
fn moves_promise(event: &Progress) -> bool {
    matches!(event.kind.as_str(), "supplement" | "payment" | "extension")
        || event.status.is_some_and(waits)
}

/// Whether a dossier waits for its applicant in a status.
fn waits(status: Status) -> bool {
    matches!(status, Status::SUPPLEMENT | Status::PAYMENT)
}

/// Joins each snapshot that says what its predecessor says with it, unless it speaks after a
/// retraction that the predecessor did not know: the time of the first, the words of the last.
fn distinct<'a>(told: Vec<Told<'a>>, withdrawn: &[Moment]) -> Vec<Told<'a>> {
    let mut kept: Vec<Told<'a>> = Vec::new();
    for one in told {
        let parted = |last: &Told<'_>| {
            let (from, to) = (last.time(), one.time());
            withdrawn.iter().any(|gone| from <= Some(*gone) && Some(*gone) < to)
        };
        match kept.last_mut() {
            Some(last) if same(last, &one) && !parted(last) => {
                (last.body, last.says) = (one.body, one.says);
            }
            _ => kept.push(one),
        }
    }
    kept
}

fn members(body: &Dossier) -> Members<'_> {
    Members {
        code: body.code.as_deref(),
        agency: Some(&body.agency),
        procedure: body.procedure.as_deref(),
        procedure_source_code: body.procedure_source_code.as_deref(),
        procedure_name: body.procedure_name.as_deref(),
        field: body.field.as_deref(),
        commune: body.commune.as_deref(),
        channel: Some(&body.channel),
        submitted_at: body.submitted_at,
        accepted_at: body.accepted_at,
        due_at: body.due_at,
        status: Some((body.status, Some(&body.status_raw), status_date(body))),
        finished_at: body.finished_at,
        returned_at: body.returned_at,
        unit: body.unit.as_deref(),
        officer: body.officer.as_deref(),
        note: body.note.as_deref(),
        subject: body.subject.as_deref(),
        result: body.result.as_ref(),
        fees: Some(body.fees.as_slice()).filter(|fees| !fees.is_empty()),
        attachments: Some(body.attachments.as_slice()).filter(|files| !files.is_empty()),
        applicant: Some(&body.applicant),
        attributes: body.attributes.clone(),
    }
}

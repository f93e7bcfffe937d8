//! The findings that are open, as entry after entry is judged: what is asked anew opens one, what
//! is asked otherwise changes it, what is not asked any more closes it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    dossier::Judged,
    question::{Finding, Question, Stamp, Subject},
    rulebook::Rulebook,
};

/// Open findings, and what has become of them.
#[derive(Debug, Default)]
pub struct Standing {
    open: BTreeMap<Subject, Finding>,
    by_dossier: HashMap<String, BTreeSet<Subject>>,
    /// By position: findings opened, and findings changed in whatever way.
    counts: HashMap<u64, (u32, u32)>,
    turned: BTreeMap<(u64, u32), Finding>,
}

impl Standing {
    /// Takes a finding that is open.
    pub fn insert(&mut self, finding: Finding) {
        if let Some(key) = &finding.subject.dossier {
            self.by_dossier.entry(key.clone()).or_default().insert(finding.subject.clone());
        }
        self.open.insert(finding.subject.clone(), finding);
    }

    fn remove(&mut self, subject: &Subject) -> Option<Finding> {
        if let Some(key) = &subject.dossier
            && let Some(own) = self.by_dossier.get_mut(key)
        {
            own.remove(subject);
        }
        self.open.remove(subject)
    }

    /// Takes what an entry makes of some dossiers, whatever of `names` their keys are or were.
    pub fn judged<'a>(
        &mut self,
        stamp: Stamp,
        names: impl IntoIterator<Item = &'a String>,
        judged: &Judged,
        book: Option<&Rulebook>,
    ) {
        let mut subjects: BTreeSet<Subject> = judged.asked.keys().cloned().collect();
        for name in names {
            subjects.extend(self.by_dossier.get(name).into_iter().flatten().cloned());
        }
        for subject in subjects {
            self.settle(stamp, &subject, judged.asked.get(&subject), book);
        }
    }

    /// Takes whether something is asked at an entry.
    pub fn settle(
        &mut self,
        stamp: Stamp,
        subject: &Subject,
        question: Option<&Question>,
        book: Option<&Rulebook>,
    ) {
        let asked = question.and_then(|one| {
            let book = book?;
            Some((one, book.told(one)?, book.edition().clone()))
        });
        let (opened, changed) = self.counts.get(&stamp.position).copied().unwrap_or_default();
        let (open, asked) = (self.remove(subject), asked);
        let finding = match (open, asked) {
            (None, None) => return,
            (Some(open), Some((question, body, _)))
                if open.body == body && open.day == question.day =>
            {
                return self.insert(open);
            }
            (Some(open), Some((question, body, judged_by))) => Finding {
                changed: (stamp.position, changed),
                day: question.day,
                body,
                judged_by,
                ..open
            },
            (Some(open), None) => {
                Finding { changed: (stamp.position, changed), closed: Some(stamp), ..open }
            }
            (None, Some((question, body, judged_by))) => Finding {
                opened: stamp,
                number: opened,
                changed: (stamp.position, changed),
                closed: None,
                subject: subject.clone(),
                day: question.day,
                judged_by,
                body,
            },
        };
        let is_new = finding.opened == stamp && finding.number == opened;
        self.counts.insert(stamp.position, (opened + u32::from(is_new), changed + 1));
        self.turned.insert((finding.opened.position, finding.number), finding.clone());
        if finding.closed.is_none() {
            self.insert(finding);
        }
    }

    /// The findings that are open.
    #[cfg(test)]
    pub(super) fn into_open(self) -> impl Iterator<Item = Finding> {
        self.open.into_values()
    }

    /// What has changed, by the order in which findings were opened.
    pub fn turned(self) -> impl Iterator<Item = Finding> {
        self.turned.into_values()
    }
}

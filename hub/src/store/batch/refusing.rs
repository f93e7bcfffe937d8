//! What a batch tells that it does not take: records that are refused, and other content under an
//! id that has stored something.

use contracts::{Later, Outcome, Problem, Refusal, problem};

use super::{Reply, Said, Submission, Work, unfit};
use crate::journal::{entry::EntryKind, merkle::Digest};

impl Work<'_> {
    /// Keeps other content under a known id, shown and never applied.
    pub(super) fn keep_conflict(
        &mut self,
        chunk: &Submission,
        known: usize,
    ) -> Result<Reply, Later> {
        let at = self.begin(chunk, Some(known), true);
        self.conflicting(chunk, (at, known));
        let problems = vec![Problem::new(&problem::ID_REUSED).by_rule(chunk.id.clone())];
        let refusals = [Refusal { record: None, problems }];
        let position = self.refuse(chunk, at, &refusals, &[None])?;
        self.attempts.advance(at, 1, (0, &refusals), Some((position, position)));
        self.attempts.settle(at, Some(Outcome::Conflict));
        Ok(Reply::Done(self.attempts.receipt(at, false)))
    }

    /// Writes refusals as one entry; `keys` are those of their records, as far as known.
    pub(super) fn refuse(
        &mut self,
        chunk: &Submission,
        at: usize,
        refusals: &[Refusal],
        keys: &[Option<&str>],
    ) -> Result<u64, Later> {
        // Problems are texts and numbers: nothing can fail.
        let public = serde_json::to_string(refusals).unwrap_or_default();
        let said = Said {
            kind: EntryKind::Refusal,
            mode: chunk.mode,
            message: Some(self.attempts.at(at).message),
            message_id: chunk.id_given.then_some(chunk.id.as_str()),
            record: None,
            named: None,
            raw: Some(chunk.raw),
            public: (&public, Digest::of(public.as_bytes())),
            personal: None,
            mapping: Some(chunk.mapping),
            contract_hash: None,
            supersedes: None,
        };
        let entry = self.changes.tip.append(self.clock, &said).map_err(|error| unfit(&error))?;
        let position = entry.position;
        self.changes.entries.push(entry);
        let message = self.attempts.at(at).message;
        self.changes.refused.open((&chunk.channel, message, position), refusals, keys);
        Ok(position)
    }
}

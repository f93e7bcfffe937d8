//! What a batch builds upon, in short: so that one that was read early can be asked whether another
//! has touched it since.

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hash},
};

use foldhash::fast::{FixedState, RandomState};

use super::{Subjects, changes::MemberRow, code_of, code_of_text};
use crate::{
    registry::{Content, Identity, RecordName, exchange::yields_to},
    store::Submission,
};

/// Marks of message ids, of names, of sources' own codes, of national codes and of other records.
/// Two things may share a mark, so what meets is perhaps the same; what does not, is surely not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(HashSet<u64, RandomState>);

/// What a mark is of: equal texts of two kinds have two marks.
#[derive(Hash)]
enum Of<'a> {
    Message(&'a str, &'a str),
    Name(&'a Identity),
    SourceCode(&'a str),
    Code(&'a str),
    Record(&'a RecordName),
}

/// Marks are kept in memory only, so another build may give others.
fn number(of: &Of<'_>) -> u64 {
    FixedState::default().hash_one(of)
}

impl Marks {
    /// Of all that chunks name, and of all that was found to belong to it.
    pub fn of(chunks: &[Submission], found: &Subjects) -> Self {
        let mut marks = Self::named_by(chunks);
        for membership in found.memberships() {
            marks.add(&Of::Name(&membership.identity));
            marks.code(membership.code.as_deref());
        }
        marks
    }

    /// Of what chunks name, which is all that they may touch: their messages, and the dossiers of
    /// their records.
    pub fn named_by(chunks: &[Submission]) -> Self {
        let mut marks = Self::default();
        for chunk in chunks {
            marks.add(&Of::Message(&chunk.channel, &chunk.id));
            let records = chunk.items.iter().flat_map(|item| item.outcome.iter().flatten());
            for record in records {
                if let Some(telling) = &record.telling {
                    marks.add(&Of::Record(&telling.name));
                    // Whether it is told at all hangs on this one too.
                    if let Some(name) = yields_to(&telling.name) {
                        marks.add(&Of::Record(&name));
                    }
                }
                if let Some(content) = &record.content {
                    marks.add_said(content);
                }
            }
        }
        marks
    }

    /// Of what was said about a dossier.
    pub fn said(content: &Content) -> Self {
        let mut marks = Self::default();
        marks.add_said(content);
        marks
    }

    fn add_said(&mut self, content: &Content) {
        let name = content.identity();
        self.add(&Of::Name(&name));
        self.add(&Of::SourceCode(&name.source_code));
        self.code(code_of(content).as_deref());
    }

    /// Leaves out a message.
    pub fn forget_message(&mut self, channel: &str, id: &str) {
        self.0.remove(&number(&Of::Message(channel, id)));
    }

    /// The same, and the codes under which names have come to stand.
    pub fn moved(mut self, members: &[MemberRow]) -> Self {
        members.iter().for_each(|row| self.code(row.membership.code.as_deref()));
        self
    }

    /// Of what was asked for by a code, and of the names that were found to bear it: unless one of
    /// these is touched, the same is found again.
    pub fn asked<'a>(
        code: &str,
        names: impl Iterator<Item = (&'a Identity, Option<&'a str>)>,
    ) -> Self {
        let mut marks = Self::default();
        marks.add(&Of::SourceCode(code));
        marks.code(Some(&code_of_text(code).unwrap_or_else(|| code.to_owned())));
        for (name, code) in names {
            marks.add(&Of::Name(name));
            marks.code(code);
        }
        marks
    }

    /// Each mark, as a number.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }

    fn code(&mut self, code: Option<&str>) {
        if let Some(code) = code {
            self.add(&Of::Code(code));
        }
    }

    fn add(&mut self, of: &Of<'_>) {
        self.0.insert(number(of));
    }

    /// Whether both may be about the same message, name or code.
    pub fn meet(&self, other: &Self) -> bool {
        let (few, many) = if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        few.0.iter().any(|mark| many.0.contains(mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Prepared, Store, sqlite::SqliteStore, suite};

    fn of(store: &dyn Store, id: &str, record: Prepared) -> Marks {
        Marks::named_by(&[suite::message(store, id, id, vec![Ok(vec![record])])])
    }

    #[tokio::test]
    async fn batches_meet_in_a_message_a_name_or_a_code() {
        let folder = std::env::temp_dir().join(format!("lienthong-{}-marks", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = SqliteStore::open(folder.join("hub.db")).unwrap();
        let one = of(&store, "m-1", suite::coded("A", 1, 4, 1));
        assert!(one.meet(&of(&store, "m-1", suite::snapshot("B", 1, 4))));
        assert!(one.meet(&of(&store, "m-2", suite::snapshot("A", 2, 5))));
        assert!(one.meet(&of(&store, "m-2", suite::coded("B", 1, 4, 1))));
        assert!(!one.meet(&of(&store, "m-2", suite::coded("B", 1, 4, 2))));
        drop(store);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

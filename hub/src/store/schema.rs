//! Versions of a store's schema: numbered files of statements, each applied once, in order, in a
//! transaction of its own, and known again by the hash of its text.

use super::StoreError;
use crate::journal::merkle::Digest;

/// One step from a version of the schema to the next.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it is about.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

impl Migration {
    /// The hash of its text.
    pub fn hash(&self) -> String {
        Digest::of(self.sql.as_bytes()).to_string()
    }
}

/// A migration's number, and the hash of the text it was applied with.
pub type Applied = (usize, String);

/// How far a store's schema is, beside what the program knows.
#[derive(Debug, Clone, Copy)]
pub struct Outlook {
    /// Migrations that were applied.
    pub have: usize,
    /// All that the program knows.
    pub known: &'static [Migration],
}

impl Outlook {
    /// Compares what was applied with what the program knows.
    ///
    /// # Errors
    /// When the schema is newer than the program, or was made by other texts.
    pub fn new(
        known: &'static [Migration],
        have: usize,
        applied: &[Applied],
    ) -> Result<Self, StoreError> {
        if have > known.len() {
            return Err(StoreError::fault(format!(
                "the store has schema {have}, this program knows up to {}: use the newer program",
                known.len()
            )));
        }
        for (number, hash) in applied {
            let own = number.checked_sub(1).and_then(|at| known.get(at));
            if let Some(migration) = own.filter(|migration| migration.hash() != *hash) {
                return Err(StoreError::fault(format!(
                    "migration {number} ({}) was applied to this store with another text than \
                     this program has: the store is of another line of the program, or was \
                     altered; restore a backup, or use the program that made it",
                    migration.name
                )));
            }
        }
        Ok(Self { have, known })
    }

    /// The next migration with its number.
    pub fn next(&self) -> Option<(usize, &'static Migration)> {
        self.known.get(self.have).map(|migration| (self.have + 1, migration))
    }

    /// What is to be done, in order.
    pub fn missing(&self) -> impl Iterator<Item = (usize, &'static Migration)> {
        (1..).zip(self.known).skip(self.have)
    }

    /// Whether there is no schema yet: whoever opens the store first makes it.
    ///
    /// # Errors
    /// When there is an older one: a schema that holds something is changed by `migrate` alone.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        match self.have {
            0 => Ok(true),
            have if have == self.known.len() => Ok(false),
            have => Err(StoreError::fault(format!(
                "the store has schema {have}, this program needs {}: stop every hub on it, make \
                 a backup, and run `lienthong migrate`",
                self.known.len()
            ))),
        }
    }
}

/// A store in the middle of a move is not changed.
pub(super) fn moving() -> StoreError {
    StoreError::fault(
        "this store takes part in a move: finish or abandon it with the program that began it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: [Migration; 2] =
        [Migration { name: "first", sql: "one" }, Migration { name: "second", sql: "two" }];

    #[test]
    fn older_newer_and_altered_schemas_are_told_apart() {
        let hash = |at: usize| (at + 1, KNOWN[at].hash());
        let both = [hash(0), hash(1)];
        assert!(Outlook::new(&KNOWN, 0, &[]).unwrap().is_new().unwrap());
        assert!(!Outlook::new(&KNOWN, 2, &both).unwrap().is_new().unwrap());
        let older = Outlook::new(&KNOWN, 1, &both[..1]).unwrap();
        assert!(older.is_new().unwrap_err().reason.contains("run `lienthong migrate`"));
        assert_eq!(older.missing().map(|(number, _)| number).collect::<Vec<_>>(), [2]);
        assert!(Outlook::new(&KNOWN, 3, &both).unwrap_err().reason.contains("newer program"));
        let altered = [hash(0), (2, "0".repeat(64))];
        let told = Outlook::new(&KNOWN, 2, &altered).unwrap_err().reason;
        assert!(told.contains("migration 2 (second)"), "{told}");
    }
}

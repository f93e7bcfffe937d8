//! Whether what was answered before still holds. Other processes write as well and tell nobody, so
//! the journal's end is looked at each time: by one for all who wait, and with what was said since
//! the look before.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::future::try_join3;
use tokio::sync::Mutex;
use tokio_postgres::Row;

use super::{
    failure::Failure,
    known,
    session::{self, Sessions, Value, signed, unsigned},
};
use crate::{
    journal::{entry::EntryKind, merkle::Digest},
    store::{
        Basis,
        batch::{Marks, Tip},
        decode::{self, Stored},
        slots::Slots,
    },
};

/// Entries that are read to see what they touch; more of them may touch anything.
const ENTRIES_MAX: u64 = 256;

/// How long anybody waits to hear whether an answer holds, those before included: reading it anew
/// takes less, and where nothing is heard that is to be found out, and told, in time.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

const SINCE: &str = "SELECT position, kind, text, public FROM entries
                     WHERE position >= $1 ORDER BY position LIMIT $2";

/// Which transaction has made all folds: the one that has written the rules' places in the journal.
const MADE: &str = "SELECT xmin::text FROM rules ORDER BY position LIMIT 1";

/// What this process has seen of the journal's end.
#[derive(Default)]
pub(super) struct Looks {
    /// How often it was asked for.
    asked: AtomicU64,
    turn: Mutex<Turn>,
    slots: Slots,
}

#[derive(Default)]
struct Turn {
    /// Of those who asked, how many had asked before the last look began.
    served: u64,
    /// The size that it found; nothing where it failed.
    found: Option<u64>,
    /// The end up to which it is known what was touched.
    known: Option<End>,
}

/// The journal's end, and what answers depend on whatever they are about.
#[derive(Clone, PartialEq, Eq)]
struct End {
    log_id: String,
    rules: Option<Digest>,
    erased: Option<u64>,
    /// Who has made the folds anew last: the journal does not tell that.
    made: Option<String>,
    size: u64,
}

impl End {
    fn of(tip: Tip, made: Option<String>) -> Self {
        let size = tip.next();
        Self { log_id: tip.log.id, rules: tip.rules, erased: tip.erased, made, size }
    }

    /// The number of the entries between, where these alone tell what was touched.
    fn entries_to(&self, end: &Self) -> Option<u64> {
        let same = Self { size: end.size, ..self.clone() } == *end;
        end.size.checked_sub(self.size).filter(|count| same && *count <= ENTRIES_MAX)
    }
}

impl Looks {
    /// The journal's size, where nothing was heard since of what an answer rests on.
    pub(super) async fn holds(&self, sessions: &Sessions, basis: &Basis) -> Option<u64> {
        let moment = basis.moment?;
        let heard = tokio::time::timeout(HEARD_WITHIN, self.size(sessions)).await;
        let size = heard.ok().flatten()?;
        (moment <= size && self.slots.untouched(&basis.marks, moment)).then_some(size)
    }

    /// The journal's size, of a look that began after this was asked for: whatever was acknowledged
    /// before is in it.
    async fn size(&self, sessions: &Sessions) -> Option<u64> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let mut turn = self.turn.lock().await;
        if asked < turn.served {
            return turn.found;
        }
        let served = self.asked.load(Ordering::SeqCst);
        let found = self.look(sessions, &mut turn.known).await;
        // Where it failed, all who waited ask for themselves, and are told why.
        (turn.served, turn.found) = (served, found.ok());
        turn.found
    }

    async fn look(&self, sessions: &Sessions, known: &mut Option<End>) -> Result<u64, Failure> {
        let client = sessions.reader().await?;
        let from = known.as_ref().map_or(i64::MAX, |end| signed(end.size));
        let values: [Value<'_>; 2] = [&from, &signed(ENTRIES_MAX)];
        // The end comes first: what came after it is left for the next look.
        let since = session::rows(&client, SINCE, &values);
        let made = session::row(&client, MADE, &[]);
        let (tip, said, made) = try_join3(known::tip(&client), since, made).await?;
        let made = made.map(|row| row.try_get(0)).transpose()?;
        let end = End::of(tip, made);
        match known.as_ref().map(|known| (known, known.entries_to(&end))) {
            Some((_, Some(count))) => {
                for row in said.iter().take(usize::try_from(count).unwrap_or_default()) {
                    self.touched(row)?;
                }
            }
            // Nothing tells which of the answers at this very size was read before and which after.
            Some((known, None)) if known.made != end.made => {
                self.slots.touch_anything(end.size + 1);
            }
            _ => self.slots.touch_anything(end.size),
        }
        let size = end.size;
        *known = Some(end);
        Ok(size)
    }

    /// Notes what an entry touches.
    fn touched(&self, row: &Row) -> Result<(), Failure> {
        let position = unsigned(row.try_get(0)?);
        let (kind, text, public) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let after = position + 1;
        match EntryKind::from_name(kind) {
            Some(EntryKind::Refusal | EntryKind::Freeze) => {}
            Some(EntryKind::Observation) => {
                let stored = Stored { position, kind, text, public };
                match decode::observation(&stored)? {
                    // What it takes the place of may have stood for another code.
                    Some(read) if read.supersedes.is_some() => self.slots.touch_anything(after),
                    Some(read) => {
                        self.slots.touch(Marks::said(&read.observation.content).numbers(), after);
                    }
                    None => {}
                }
            }
            // What was taken back may have stood for another code.
            _ => self.slots.touch_anything(after),
        }
        Ok(())
    }
}

//! Which lines of a channel are leased: pure.
//!
//! A store keeps all leases of a channel in one row, which is held while something is announced or
//! concluded. So a lease costs its line no write, and whoever holds the row knows alone who may end
//! what.

use std::{collections::BTreeSet, time::Duration};

use super::{StoreError, millis};

/// A line that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct DueLine {
    /// Its key.
    pub(in crate::store) key: String,
    /// Attempts of its first delivery; once leased, this one included.
    pub(in crate::store) attempts: u32,
    /// For how long that has been failing.
    pub(in crate::store) failing: Option<Duration>,
    /// Whether an attempt is counted that nobody told the end of: its lease had run out.
    pub(in crate::store) lost: bool,
}

/// One lease, of the lines that were announced together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lease {
    token: u64,
    /// When it ends, in milliseconds since 1970.
    until: i64,
    /// Keys of its lines, in short.
    keys: BTreeSet<u64>,
}

/// The leases of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store) struct Leases {
    /// The last token that was given.
    token: u64,
    all: Vec<Lease>,
}

/// A key in short (FNV-1a). Two lines of a channel that have the same are never leased at once, so
/// it names one of them.
fn short(key: &str) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    key.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl Leases {
    /// Reads what [`Self::bytes`] wrote; none where nothing was written.
    ///
    /// # Errors
    /// When it is damaged.
    pub(in crate::store) fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::fault("the leases of an outbound channel are damaged");
        let (numbers, []) = bytes.as_chunks::<8>() else { return Err(damaged()) };
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let Some(token) = numbers.next() else { return Ok(Self::default()) };
        let mut all = Vec::new();
        while let Some(token) = numbers.next() {
            let (Some(until), Some(count)) = (numbers.next(), numbers.next()) else {
                return Err(damaged());
            };
            let count = usize::try_from(count).map_err(|_| damaged())?;
            let keys: BTreeSet<u64> = numbers.by_ref().take(count).collect();
            if keys.len() < count {
                return Err(damaged());
            }
            all.push(Lease { token, until: until.cast_signed(), keys });
        }
        Ok(Self { token, all })
    }

    /// As a store keeps them: numbers of eight bytes, the lowest first. The last token; then of
    /// each lease its token, its end, how many lines it has, and their keys in short.
    pub(in crate::store) fn bytes(&self) -> Vec<u8> {
        let mut numbers = vec![self.token];
        for Lease { token, until, keys } in &self.all {
            numbers.extend([*token, until.cast_unsigned(), keys.len() as u64]);
            numbers.extend(keys);
        }
        numbers.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    /// How many lines have a lease in force.
    pub(in crate::store) fn count(&self, now: i64) -> usize {
        self.in_force(now).map(|lease| lease.keys.len()).sum()
    }

    fn in_force(&self, now: i64) -> impl Iterator<Item = &Lease> {
        self.all.iter().filter(move |lease| lease.until > now)
    }

    /// When the first lease ends that is in force.
    pub(in crate::store) fn first_end(&self, now: i64) -> Option<i64> {
        self.in_force(now).map(|lease| lease.until).min()
    }

    /// Whether a line has no lease in force.
    pub(in crate::store) fn is_free(&self, key: &str, now: i64) -> bool {
        let short = short(key);
        !self.in_force(now).any(|lease| lease.keys.contains(&short))
    }

    /// Ends a line's part in a lease. Gives whether it had one: who was given it may tell how the
    /// attempt ended, also after its time, as long as nobody was given the line since.
    pub(in crate::store) fn end(&mut self, key: &str, token: u64) -> bool {
        let Some(at) = self.all.iter().position(|lease| lease.token == token) else {
            return false;
        };
        let ended = self.all.get_mut(at).is_some_and(|lease| lease.keys.remove(&short(key)));
        self.all.retain(|lease| !lease.keys.is_empty());
        ended
    }

    /// Leases lines that are due, as many as wanted of those that are free. Gives them, and the
    /// token of their lease.
    pub(in crate::store) fn take(
        &mut self,
        due: impl IntoIterator<Item = DueLine>,
        most: u32,
        (now, lease): (i64, Duration),
    ) -> (u64, Vec<DueLine>) {
        let leased: BTreeSet<u64> =
            self.in_force(now).flat_map(|lease| lease.keys.iter().copied()).collect();
        let (mut keys, mut lines) = (BTreeSet::new(), Vec::new());
        for mut line in due {
            if lines.len() as u64 >= u64::from(most) {
                break;
            }
            let short = short(&line.key);
            if leased.contains(&short) || !keys.insert(short) {
                continue;
            }
            for ended in self.all.iter_mut().filter(|lease| lease.until <= now) {
                line.lost |= ended.keys.remove(&short);
            }
            line.attempts = line.attempts.saturating_add(1 + u32::from(line.lost));
            lines.push(line);
        }
        self.all.retain(|lease| !lease.keys.is_empty());
        if !lines.is_empty() {
            self.token += 1;
            let until = now.saturating_add(millis(lease));
            self.all.push(Lease { token: self.token, until, keys });
        }
        (self.token, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(40);

    fn due(keys: &[&str]) -> Vec<DueLine> {
        let line = |key: &&str| DueLine {
            key: (*key).to_owned(),
            attempts: 0,
            failing: None,
            lost: false,
        };
        keys.iter().map(line).collect()
    }

    fn keys(lines: &[DueLine]) -> Vec<&str> {
        lines.iter().map(|line| line.key.as_str()).collect()
    }

    #[test]
    fn a_line_is_leased_by_one_and_told_of_once() {
        let mut leases = Leases::default();
        let (first, lines) = leases.take(due(&["a", "b", "c"]), 2, (0, LONG));
        assert_eq!((keys(&lines), lines[0].attempts), (vec!["a", "b"], 1));
        let (second, lines) = leases.take(due(&["a", "b", "c"]), 9, (1, LONG));
        assert_eq!(keys(&lines), ["c"]);
        assert!(second > first);
        assert_eq!((leases.count(1), leases.first_end(1)), (3, Some(40_000)));
        assert!(!leases.end("a", second), "another's");
        assert!(leases.end("a", first));
        assert!(!leases.end("a", first), "once");
        assert!(leases.is_free("a", 1) && !leases.is_free("b", 1));
        let (third, lines) = leases.take(due(&[]), 9, (1, LONG));
        assert_eq!((third, lines.len()), (second, 0));
    }

    #[test]
    fn what_was_leased_and_never_told_of_is_an_attempt_and_somebody_else_s() {
        let mut leases = Leases::default();
        let (first, _) = leases.take(due(&["a", "b"]), 9, (0, LONG));
        assert_eq!((leases.count(40_000), leases.first_end(40_000)), (0, None));
        let (second, lines) = leases.take(due(&["a"]), 9, (40_000, LONG));
        assert_eq!((lines[0].attempts, lines[0].lost), (2, true));
        assert!(!leases.end("a", first), "it was taken anew");
        assert!(leases.end("b", first), "nobody was given it since");
        assert!(leases.end("a", second));
        assert_eq!(leases, Leases { token: second, all: Vec::new() });
    }

    #[test]
    fn they_are_kept_as_they_are_and_damage_is_seen() {
        let mut leases = Leases::default();
        assert_eq!(Leases::read(&[]).unwrap(), leases);
        leases.take(due(&["a", "b"]), 9, (-5, LONG));
        leases.take(due(&["c"]), 9, (7, LONG));
        let bytes = leases.bytes();
        assert_eq!(Leases::read(&bytes).unwrap(), leases);
        for end in [1, 16, bytes.len() - 8] {
            assert!(Leases::read(&bytes[..end]).is_err(), "{end}");
        }
    }
}

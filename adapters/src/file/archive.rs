//! Putting a file away when all is said of it. Nothing that lies there is ever overwritten.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use jiff::{Timestamp, tz::Offset};
use rustix::fd::OwnedFd;

use super::{
    answer::{Answer, Verdict, message_of},
    claim::Claim,
    folder::{Folder, TEXT_BYTES_MAX, beside, look, move_to, read},
    settle::MARKERS,
};

/// Bytes of a name that leave room for endings of ours within the 255 that a name may have.
pub(super) const NAME_BYTES_MAX: usize = 180;

/// Bytes of what is behind the last dot of a name, for it to be kept at the end.
const ENDING_BYTES_MAX: usize = 16;

/// Files of one name and one time of writing that find a place.
pub(crate) const PLACES_MAX: u32 = 10_000;

impl Folder {
    /// Moves a claimed file to its place, its texts first: where a file lies, its texts lie.
    pub(super) fn put_away(&self, claim: &Claim, answer: &Answer) -> io::Result<()> {
        let into = match answer.verdict {
            Verdict::Done => &self.done,
            Verdict::Refused => &self.refused,
        };
        let place = free_place(into, claim, answer)?;
        for (ending, text) in &answer.texts {
            let name = beside(&place, ending);
            // One that is there is ours, from before a crash. It told the first outcome.
            if look(into, &name)?.is_none() {
                let draft = self.draft(text)?;
                // A receipt that is there after a power cut is whole.
                draft.file.sync_data()?;
                move_to(&self.claimed, draft.name.as_ref(), into, &name)?;
            }
        }
        for ending in MARKERS {
            let marker = beside(&claim.name, ending);
            if look(&self.claimed, &marker)?.is_some() {
                move_to(&self.claimed, &marker, into, &beside(&place, ending))?;
            }
        }
        Ok(move_to(&self.claimed, &claim.name, into, &place)?)
    }
}

/// The first name under which neither a file lies nor a text about another message.
fn free_place(into: &OwnedFd, claim: &Claim, answer: &Answer) -> io::Result<OsString> {
    'places: for number in 0..PLACES_MAX {
        let place = place_of(&claim.name, claim.stamp.written.0, number);
        if look(into, &place)?.is_some() {
            continue;
        }
        for (ending, _) in &answer.texts {
            let name = beside(&place, ending);
            if look(into, &name)?.is_some() {
                let text = read(into, &name, TEXT_BYTES_MAX)?;
                let about = text.and_then(|text| message_of(&text));
                if about.is_none() || about != answer.id {
                    continue 'places;
                }
            }
        }
        for ending in MARKERS {
            if look(into, beside(&place, ending))?.is_some() {
                continue 'places;
            }
        }
        return Ok(place);
    }
    Err(io::Error::other("too many files of one name are there: take some away"))
}

/// The name of a file's place: its own, or with the time at which it was written, and then with a
/// number too. The same file finds the same names after a crash.
pub(crate) fn place_of(name: &OsStr, written: i64, number: u32) -> OsString {
    let bytes = name.as_bytes();
    if number == 0 && bytes.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let dot = bytes.iter().rposition(|byte| *byte == b'.').unwrap_or(bytes.len());
    let dot = if bytes.len() - dot > ENDING_BYTES_MAX { bytes.len() } else { dot };
    let (stem, ending) = bytes.split_at(dot);
    let mut place = cut(stem, NAME_BYTES_MAX - ENDING_BYTES_MAX).to_vec();
    let time = Offset::UTC.to_datetime(Timestamp::from_second(written).unwrap_or_default());
    place.extend_from_slice(time.strftime("~%Y%m%d-%H%M%S").to_string().as_bytes());
    if number > 1 {
        place.extend_from_slice(format!("-{number}").as_bytes());
    }
    place.extend_from_slice(ending);
    OsString::from_vec(place)
}

/// At most so many bytes of a name, not ending within a letter.
fn cut(name: &[u8], bytes_max: usize) -> &[u8] {
    let mut end = name.len().min(bytes_max);
    let within_a_letter = |at: usize| name.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    while end > 0 && end < name.len() && within_a_letter(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_keeps_what_a_name_ends_with_and_fits_with_our_endings() {
        let written = 1_383_553_530;
        let place =
            |name: &str, number| place_of(OsStr::new(name), written, number).into_string().unwrap();
        assert_eq!(place("HOSO.csv", 0), "HOSO.csv");
        assert_eq!(place("HOSO.csv", 1), "HOSO~20131104-082530.csv");
        assert_eq!(place("HOSO.csv", 2), "HOSO~20131104-082530-2.csv");
        assert_eq!(place("HOSO", 1), "HOSO~20131104-082530");
        let long = format!("{}.csv", "ồ".repeat(83));
        assert_eq!(long.len(), 253);
        for number in [0, 1, 9_999] {
            let place = place(&long, number);
            assert!(place.ends_with(".csv") && place.starts_with("ồồ"), "{place}");
            assert!(place.len() + ".receipt.json".len() <= 255, "{place}");
        }
        let bytes = OsStr::from_bytes(&[0xFF; 255]);
        assert!(place_of(bytes, written, 0).len() <= 255 - ".receipt.json".len());
    }
}

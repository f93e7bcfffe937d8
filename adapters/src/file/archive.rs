//! Putting a file away when all is said of it. Nothing that lies there is ever overwritten.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use jiff::{Timestamp, tz::Offset};

use super::{
    answer::{Answer, Verdict, message_of},
    claim::Claim,
    folder::{Folder, Known, TEXT_BYTES_MAX, beside, look, move_to, read},
    settle::{MARKERS, Ready},
    write_ahead::Line,
};

/// Bytes of a name that leave room for endings of ours within the 255 that a name may have.
pub(super) const NAME_BYTES_MAX: usize = 180;

/// Bytes of what is behind the last dot of a name, for it to be kept at the end.
const ENDING_BYTES_MAX: usize = 16;

/// Files of one name and one time of writing that find a place.
pub(crate) const PLACES_MAX: u32 = 10_000;

/// A file of which all is said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) claim: Claim,
    pub(super) answer: Answer,
    /// What is to be noted of its name.
    pub(super) note: Option<Known>,
}

/// Where a file goes.
struct Place {
    name: OsString,
    /// Which of its texts are there, from before a crash. They told the first outcome.
    there: Vec<bool>,
}

impl Folder {
    /// Puts claimed files away, and says of each what came of it.
    pub(super) fn put_away(&self, ready: Ready, said: &[Said]) -> Vec<io::Result<()>> {
        let mut taken = HashSet::new();
        let places: Vec<io::Result<Place>> =
            said.iter().map(|said| self.place(ready, said, &mut taken)).collect();
        let placed = said.iter().zip(&places);
        let lines: Vec<Line> = placed
            .filter_map(|(said, place)| {
                let (answer, place) = (&said.answer, place.as_ref().ok()?);
                Some(Line::new(answer.verdict, &place.name, &answer.texts))
            })
            .collect();
        let told = if lines.is_empty() { Ok(()) } else { self.write_ahead(&lines) };
        let put = |(said, place): (&Said, io::Result<Place>)| match &told {
            Ok(()) => self.put(ready, said, &place?),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        said.iter().zip(places).map(put).collect()
    }

    /// Finds the place of a file that no other of its group has, after taking note of it.
    fn place(
        &self,
        ready: Ready,
        said: &Said,
        taken: &mut HashSet<(Verdict, OsString)>,
    ) -> io::Result<Place> {
        let (claim, verdict) = (&said.claim, said.answer.verdict);
        if let Some(known) = &said.note {
            self.note(&claim.name, known)?;
        }
        for number in 0..PLACES_MAX {
            let name = place_of(&claim.name, claim.stamp.written.0, number);
            if taken.contains(&(verdict, name.clone())) {
                continue;
            }
            if let Some(there) = self.is_free(&name, &said.answer, ready)? {
                taken.insert((verdict, name.clone()));
                return Ok(Place { name, there });
            }
        }
        Err(io::Error::other("too many files of one name are there: take some away"))
    }

    /// Which of a file's texts lie at a place already; nothing where the place is another's: a file
    /// lies there, or a text about another message.
    fn is_free(
        &self,
        place: &OsStr,
        answer: &Answer,
        ready: Ready,
    ) -> io::Result<Option<Vec<bool>>> {
        let (into, mut there) = (self.folder_of(answer.verdict), Vec::new());
        if look(into, place)?.is_some() {
            return Ok(None);
        }
        for (ending, _) in &answer.texts {
            let name = beside(place, ending);
            let found = look(into, &name)?.is_some();
            if found {
                let text = read(into, &name, TEXT_BYTES_MAX)?;
                let about = text.and_then(|text| message_of(&text));
                if about.is_none() || about != answer.id {
                    return Ok(None);
                }
            }
            there.push(found);
        }
        for ending in markers(ready) {
            if look(into, beside(place, ending))?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(there))
    }

    /// Moves a file to its place, its texts first: where a file lies, its texts lie.
    fn put(&self, ready: Ready, said: &Said, place: &Place) -> io::Result<()> {
        let into = self.folder_of(said.answer.verdict);
        for ((ending, text), there) in said.answer.texts.iter().zip(&place.there) {
            if !there {
                let draft = self.draft(text)?;
                move_to(&self.claimed, draft.as_ref(), into, &beside(&place.name, ending))?;
            }
        }
        for ending in markers(ready) {
            let marker = beside(&said.claim.name, ending);
            if look(&self.claimed, &marker)?.is_some() {
                move_to(&self.claimed, &marker, into, &beside(&place.name, ending))?;
            }
        }
        Ok(move_to(&self.claimed, &said.claim.name, into, &place.name)?)
    }
}

/// The endings of what goes along with a file.
fn markers(ready: Ready) -> &'static [&'static str] {
    if ready == Ready::Marker { &MARKERS } else { &[] }
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

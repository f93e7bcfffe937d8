//! A zip archive by its central directory, strictly: what two readers would unpack differently is
//! refused, file by file where only a file is concerned.
//!
//! Written here because libraries settle silently what has to be refused: of two files of one name
//! they keep the last, and they mend absolute names.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use flate2::{Crc, read::DeflateDecoder};
use mappings::format::{Fault, FaultKind};

/// Files of one archive, those that are not the channel's included.
const MEMBERS_MAX: usize = 1_000;
/// Bytes of one unpacked file, as of a payload.
const MEMBER_BYTES_MAX: u64 = 64 << 20;
/// Bytes of all files together, unpacked.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// Bytes a file may unpack to whatever its size.
const INFLATION_FREE_BYTES: u64 = 1 << 20;
/// Beyond those: times its own size that a file may unpack to.
const INFLATION_MAX: u64 = 200;

/// The record at the end: signature, and its size without the comment.
const END: (&[u8], usize) = (b"PK\x05\x06", 22);
/// The longest comment behind it.
const COMMENT_MAX: usize = 65_535;
/// An entry of the directory, and the header before a file.
const ENTRY: (&[u8], usize) = (b"PK\x01\x02", 46);
const LOCAL: (&[u8], usize) = (b"PK\x03\x04", 30);
/// How the documents that were there before `.xlsx` begin, and those under a password.
const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0";

const FLAG_ENCRYPTED: u16 = 1;
const FLAG_UTF_8: u16 = 1 << 11;
const METHOD_STORED: u16 = 0;
const METHOD_DEFLATED: u16 = 8;
const MADE_ON_UNIX: u16 = 3;
const UNIX_TYPE: u32 = 0o170_000;
const UNIX_FILE: u32 = 0o100_000;
const UNIX_FOLDER: u32 = 0o040_000;
/// Where the longer sizes of an entry stand, when its own fields are full.
const EXTRA_LONG: u16 = 1;

/// A fault of a whole file.
pub(super) fn fault(kind: FaultKind, detail: impl Into<String>) -> Fault {
    Fault { kind, offset: 0, detail: detail.into() }
}

fn broken(detail: impl Into<String>) -> Fault {
    fault(FaultKind::NotTheFormat, detail)
}

fn limit(limit: &'static str, max: u64) -> Fault {
    fault(FaultKind::LimitExceeded { limit, max }, format!("{limit} = {max}"))
}

/// One file of an archive.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    method: u16,
    crc: u32,
    unpacked: u64,
    /// Where its bytes lie.
    from: usize,
    to: usize,
}

/// An archive whose directory is sound.
pub(super) struct Archive<'p> {
    bytes: &'p [u8],
    entries: Vec<(String, Result<Entry, Fault>)>,
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).and_then(|two| Some(u16::from_le_bytes(two.try_into().ok()?)))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|four| Some(u32::from_le_bytes(four.try_into().ok()?)))
}

/// Where the directory lies, and how many entries it says to have.
fn directory(bytes: &[u8]) -> Result<(usize, usize), Fault> {
    if bytes.starts_with(COMPOUND) {
        let what = "an old .xls, or a file under a password: save it as .xlsx without one";
        return Err(broken(what));
    }
    let whole = |at: &usize| {
        let comment = bytes.get(*at..).and_then(|end| short(end, 20));
        comment.is_some_and(|comment| at + END.1 + usize::from(comment) == bytes.len())
    };
    let earliest = bytes.len().saturating_sub(END.1 + COMMENT_MAX);
    let mut places = (earliest..bytes.len().saturating_sub(END.1 - 1)).rev();
    let at =
        places.find(|at| bytes.get(*at..).is_some_and(|end| end.starts_with(END.0)) && whole(at));
    let Some(end) = at.and_then(|at| bytes.get(at..)) else {
        return Err(broken("no zip archive, or not to its end"));
    };
    let numbers = (|| Some((short(end, 4)?, short(end, 8)?, short(end, 10)?, long(end, 16)?)))();
    match numbers {
        Some((0, here, all, offset)) if here == all && offset < u32::MAX => {
            Ok((offset as usize, usize::from(all)))
        }
        _ => Err(broken("an archive in several parts, or of more than 4 GB")),
    }
}

impl<'p> Archive<'p> {
    /// Reads the directory of an archive with a channel's files.
    pub(super) fn open(bytes: &'p [u8]) -> Result<Self, Fault> {
        Self::bounded(bytes, MEMBER_BYTES_MAX)
    }

    fn bounded(bytes: &'p [u8], member_bytes_max: u64) -> Result<Self, Fault> {
        let (mut at, count) = directory(bytes)?;
        if count > MEMBERS_MAX {
            return Err(limit("archive_members_max", MEMBERS_MAX as u64));
        }
        let mut raw = Vec::new();
        for _ in 0..count {
            let entry = bytes.get(at..).and_then(Raw::read);
            let entry = entry.ok_or_else(|| broken("its directory breaks off"))?;
            at += entry.length;
            raw.push(entry);
        }
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(END.0)) {
            return Err(broken("its directory holds other files than it says"));
        }
        let total = raw.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.unpacked));
        if total > UNPACKED_BYTES_MAX {
            return Err(limit("archive_unpacked_bytes_max", UNPACKED_BYTES_MAX));
        }
        let mut times: HashMap<String, u32> = HashMap::new();
        for entry in &raw {
            *times.entry(entry.name.to_lowercase()).or_default() += 1;
        }
        let mut told = HashSet::new();
        let mut entries = Vec::new();
        for entry in raw.iter().filter(|entry| !entry.is_folder()) {
            let same = entry.name.to_lowercase();
            if times.get(&same).is_some_and(|times| *times > 1) {
                if told.insert(same) {
                    let twice = broken("several files of the archive have this name");
                    entries.push((entry.name.clone(), Err(twice)));
                }
                continue;
            }
            entries.push((entry.name.clone(), entry.checked(bytes, member_bytes_max)));
        }
        let archive = Self { bytes, entries };
        archive.apart()?;
        Ok(archive)
    }

    /// Files that lie over one another unpack to far more than there is.
    fn apart(&self) -> Result<(), Fault> {
        let sound = self.entries.iter().filter_map(|(_, entry)| entry.as_ref().ok());
        let mut ranges: Vec<(usize, usize)> = sound.map(|entry| (entry.from, entry.to)).collect();
        ranges.sort_unstable();
        let over = ranges.windows(2).any(|pair| matches!(pair, [a, b] if a.1 > b.0));
        if over { Err(broken("files of the archive lie over one another")) } else { Ok(()) }
    }

    /// Its files and what is wrong with them, in the order of the directory; folders left out.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Result<Entry, Fault>)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// Unpacks a file; it must be what the directory says.
    pub(super) fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, Fault> {
        let packed = self.bytes.get(entry.from..entry.to).unwrap_or_default();
        let mut bytes = Vec::with_capacity(usize::try_from(entry.unpacked).unwrap_or(0));
        // One byte more than it says shows that it says too little.
        let most = entry.unpacked + 1;
        let read = match entry.method {
            METHOD_STORED => packed.take(most).read_to_end(&mut bytes),
            _ => DeflateDecoder::new(packed).take(most).read_to_end(&mut bytes),
        };
        read.map_err(|_| broken("it cannot be unpacked"))?;
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() as u64 != entry.unpacked || crc.sum() != entry.crc {
            return Err(broken("it is not what the archive's directory says"));
        }
        Ok(bytes)
    }
}

/// An entry of the directory, as it stands there.
struct Raw {
    name: String,
    raw_name: Vec<u8>,
    made_on: u16,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    attributes: u32,
    offset: u64,
    length: usize,
}

impl Raw {
    fn read(at: &[u8]) -> Option<Self> {
        if !at.starts_with(ENTRY.0) {
            return None;
        }
        let lengths = [short(at, 28)?, short(at, 30)?, short(at, 32)?].map(usize::from);
        let [name, extra, _] = lengths;
        let raw_name = at.get(ENTRY.1..ENTRY.1 + name)?.to_vec();
        let extra = at.get(ENTRY.1 + name..ENTRY.1 + name + extra)?;
        let flags = short(at, 8)?;
        let mut sizes = [long(at, 24)?, long(at, 20)?, long(at, 42)?].map(u64::from);
        lengthen(&mut sizes, extra)?;
        let [unpacked, packed, offset] = sizes;
        // Programs of DOS and of Windows write backslashes.
        let name = named(&raw_name, flags).replace('\\', "/");
        Some(Self {
            name,
            raw_name,
            made_on: short(at, 4)? >> 8,
            flags,
            method: short(at, 10)?,
            crc: long(at, 16)?,
            packed,
            unpacked,
            attributes: long(at, 38)?,
            offset,
            length: ENTRY.1 + lengths.iter().sum::<usize>(),
        })
    }

    fn is_folder(&self) -> bool {
        self.name.ends_with('/') && self.unpacked == 0
    }

    /// What it unpacks to, if it may be unpacked.
    fn checked(&self, bytes: &[u8], member_bytes_max: u64) -> Result<Entry, Fault> {
        self.check_name()?;
        if self.flags & FLAG_ENCRYPTED != 0 {
            return Err(broken("it is under a password"));
        }
        if ![METHOD_STORED, METHOD_DEFLATED].contains(&self.method) {
            return Err(broken(format!("it is packed by method {}, not deflate", self.method)));
        }
        if self.unpacked > member_bytes_max {
            return Err(limit("archive_member_bytes_max", member_bytes_max));
        }
        let most = INFLATION_FREE_BYTES.max(self.packed.saturating_mul(INFLATION_MAX));
        if self.unpacked > most {
            return Err(limit("archive_inflation_max", INFLATION_MAX));
        }
        let from = self
            .start(bytes)
            .ok_or_else(|| broken("its own header is another than the archive's directory says"))?;
        let to = usize::try_from(self.packed).ok().and_then(|packed| from.checked_add(packed));
        let to = to.filter(|to| *to <= bytes.len()).ok_or_else(|| broken("it is cut off"))?;
        let Self { method, crc, unpacked, .. } = *self;
        Ok(Entry { method, crc, unpacked, from, to })
    }

    fn check_name(&self) -> Result<(), Fault> {
        let name = self.name.as_str();
        let drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with('/') || drive {
            return Err(broken("its name is absolute"));
        }
        if name.split('/').any(|part| part == "..") {
            return Err(broken("its name leads out of the archive"));
        }
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(broken("its name is empty or holds control characters"));
        }
        let mode = (self.attributes >> 16) & UNIX_TYPE;
        if self.made_on == MADE_ON_UNIX && ![0, UNIX_FILE, UNIX_FOLDER].contains(&mode) {
            return Err(broken("it is a link or a device, not a file"));
        }
        Ok(())
    }

    /// Where its bytes begin, behind its own header.
    fn start(&self, bytes: &[u8]) -> Option<usize> {
        let at = usize::try_from(self.offset).ok()?;
        let local = bytes.get(at..).filter(|local| local.starts_with(LOCAL.0))?;
        let (name, extra) = (usize::from(short(local, 26)?), usize::from(short(local, 28)?));
        let same = local.get(LOCAL.1..LOCAL.1 + name)? == self.raw_name;
        (same && short(local, 8)? == self.method).then_some(at + LOCAL.1 + name + extra)
    }
}

/// Sizes whose fields are full stand in the extra fields, in this order.
fn lengthen(sizes: &mut [u64; 3], mut extra: &[u8]) -> Option<()> {
    while let (Some(kind), Some(length)) = (short(extra, 0), short(extra, 2)) {
        let end = 4 + usize::from(length);
        let mut own = extra.get(4..end)?;
        if kind == EXTRA_LONG {
            for size in sizes.iter_mut().filter(|size| **size == u64::from(u32::MAX)) {
                let (eight, rest) = own.split_first_chunk::<8>()?;
                (*size, own) = (u64::from_le_bytes(*eight), rest);
            }
        }
        extra = extra.get(end..)?;
    }
    Some(())
}

/// A name in UTF-8 where it is that or says so, else one letter a byte.
fn named(raw: &[u8], flags: u16) -> String {
    match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) if flags & FLAG_UTF_8 != 0 => String::from_utf8_lossy(raw).into_owned(),
        Err(_) => raw.iter().copied().map(char::from).collect(),
    }
}

/// Whether a workbook, which is an archive, may be opened at all.
pub(super) fn check_workbook(bytes: &[u8]) -> Result<(), Fault> {
    // Its parts are read as they are unpacked, never whole.
    let archive = Archive::bounded(bytes, UNPACKED_BYTES_MAX)?;
    for (name, entry) in archive.entries() {
        if let Err(fault) = entry {
            let detail = format!("{name}: {}", fault.detail);
            return Err(Fault { detail, ..fault.clone() });
        }
    }
    if !archive.entries().any(|(name, _)| name.eq_ignore_ascii_case("[Content_Types].xml")) {
        return Err(broken("an archive that is no workbook"));
    }
    Ok(())
}

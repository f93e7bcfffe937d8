//! A zip archive as it is written: what stands of a file's size and checksum in other archives
//! before it stands behind it here, so that nothing is kept until the end but one line a file.

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::Unwritten;

/// Bytes compressed before they are handed on.
const ROOM: usize = 64 * 1024;

/// Version 2.0: folders and deflate.
const VERSION: u16 = 20;
/// Size and checksum stand behind the file; its name is UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const DEFLATED: u16 = 8;
/// The first moment that an archive can tell: the same content is the same bytes.
const NO_TIME: u16 = 0;
const FIRST_DAY: u16 = 1 << 5 | 1;

const LOCAL: u32 = 0x0403_4b50;
const BEHIND: u32 = 0x0807_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// A file that is whole.
struct Filed {
    name: &'static str,
    number: u32,
    at: u32,
    packed: u32,
    unpacked: u32,
    checksum: u32,
}

/// A file that is being written.
struct Open {
    name: &'static str,
    number: u32,
    at: u32,
    deflate: Compress,
    checksum: Crc,
    unpacked: u64,
}

/// The archive.
pub(super) struct Archive {
    out: Box<dyn Write + Send>,
    written: u64,
    filed: Vec<Filed>,
    open: Option<Open>,
    packed: Vec<u8>,
}

/// A number as an archive of four gigabytes has room for it.
fn short(number: u64) -> Result<u32, Unwritten> {
    u32::try_from(number).map_err(|_| Unwritten::TooLarge)
}

/// The name of a file: `#` stands for its number.
fn named(name: &str, number: u32) -> String {
    name.replace('#', &number.to_string())
}

struct Fields(Vec<u8>);

impl Fields {
    fn of(signature: u32) -> Self {
        Self(signature.to_le_bytes().to_vec())
    }

    fn two(mut self, fields: &[u16]) -> Self {
        self.0.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        self
    }

    fn four(mut self, fields: &[u32]) -> Self {
        self.0.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
        self
    }
}

impl Archive {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, written: 0, filed: Vec::new(), open: None, packed: Vec::with_capacity(ROOM) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Begins a file; the one before is whole then. `#` in the name stands for the number.
    pub(super) fn begin(&mut self, name: &'static str, number: u32) -> Result<(), Unwritten> {
        self.close()?;
        let (at, path) = (short(self.written)?, named(name, number));
        let length = u16::try_from(path.len()).unwrap_or(u16::MAX);
        let header = Fields::of(LOCAL)
            .two(&[VERSION, FLAGS, DEFLATED, NO_TIME, FIRST_DAY])
            .four(&[0, 0, 0])
            .two(&[length, 0]);
        self.put(&header.0)?;
        self.put(path.as_bytes())?;
        let deflate = Compress::new(Compression::fast(), false);
        self.open = Some(Open { name, number, at, deflate, checksum: Crc::new(), unpacked: 0 });
        Ok(())
    }

    /// Adds to the file that is being written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Unwritten> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.checksum.update(bytes);
        open.unpacked += bytes.len() as u64;
        short(open.unpacked)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.deflate(&mut open.deflate, rest, FlushCompress::None)?.0;
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.open = Some(open);
        Ok(())
    }

    /// One step of compressing: bytes taken, and whether the end is reached.
    fn deflate(
        &mut self,
        deflate: &mut Compress,
        bytes: &[u8],
        flush: FlushCompress,
    ) -> Result<(usize, bool), Unwritten> {
        let before = deflate.total_in();
        let status = deflate.compress_vec(bytes, &mut self.packed, flush);
        let status = status.map_err(io::Error::other)?;
        let packed = std::mem::take(&mut self.packed);
        self.put(&packed)?;
        self.packed = packed;
        self.packed.clear();
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(usize::MAX);
        Ok((taken, status == Status::StreamEnd))
    }

    fn close(&mut self) -> Result<(), Unwritten> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        while !self.deflate(&mut open.deflate, &[], FlushCompress::Finish)?.1 {}
        let packed = short(open.deflate.total_out())?;
        let (unpacked, checksum) = (short(open.unpacked)?, open.checksum.sum());
        self.put(&Fields::of(BEHIND).four(&[checksum, packed, unpacked]).0)?;
        let Open { name, number, at, .. } = open;
        self.filed.push(Filed { name, number, at, packed, unpacked, checksum });
        Ok(())
    }

    /// Writes the directory, and all that was held back.
    pub(super) fn end(mut self) -> Result<(), Unwritten> {
        self.close()?;
        let (at, filed) = (self.written, std::mem::take(&mut self.filed));
        for one in &filed {
            let path = named(one.name, one.number);
            let length = u16::try_from(path.len()).unwrap_or(u16::MAX);
            let entry = Fields::of(ENTRY)
                .two(&[VERSION, VERSION, FLAGS, DEFLATED, NO_TIME, FIRST_DAY])
                .four(&[one.checksum, one.packed, one.unpacked])
                .two(&[length, 0, 0, 0, 0])
                .four(&[0, one.at]);
            self.put(&entry.0)?;
            self.put(path.as_bytes())?;
        }
        let count = u16::try_from(filed.len()).map_err(|_| Unwritten::TooLarge)?;
        let (length, at) = (short(self.written - at)?, short(at)?);
        let end = Fields::of(END).two(&[0, 0, count, count]).four(&[length, at]).two(&[0]);
        self.put(&end.0)?;
        Ok(self.out.flush()?)
    }
}

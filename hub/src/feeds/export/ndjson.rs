//! The events of a feed, byte for byte, one a line.

use std::io::{self, Write};

use super::{Told, Unwritten, Writer, event::Event};

pub(super) struct Lines(Box<dyn Write + Send>);

impl Lines {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self(out)
    }
}

impl Writer for Lines {
    fn row(&mut self, event: &Event<'_>) -> Result<(), Unwritten> {
        // A text that held a line break would be two lines, and neither of them an event.
        if event.text().contains(&b'\n') {
            let broken = "an event holds a line break";
            return Err(io::Error::new(io::ErrorKind::InvalidData, broken).into());
        }
        self.0.write_all(event.text())?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn end(mut self: Box<Self>, _: &Told) -> Result<(), Unwritten> {
        Ok(self.0.flush()?)
    }
}

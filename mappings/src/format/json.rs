//! JSON and JSON Lines, with an explicit stack in place of recursion.
//!
//! An array is iterated at most once per step of the path; an empty one, or a `null`, on the path
//! or at its end is taken as "no records". Where there is nothing at all, the payload is refused.

use std::collections::HashSet;

use super::scan::Scan;
use super::{Fault, FaultKind, JsonOptions, Limits, OnRecord, Step, check_size};
use crate::document::{Document, Mark, NodeId, NodeKind, Span};

/// Up to this many keys, duplicates are looked for among the siblings.
const KEYS_SCANNED: usize = 16;

/// How far along the path a value is: the steps matched, and whether it is an item of an array
/// that the path goes through.
#[derive(Clone, Copy)]
struct Place {
    steps: usize,
    item: bool,
}

struct Frame {
    id: NodeId,
    object: bool,
    fresh: bool,
    place: Option<Place>,
    keys: usize,
    seen: Option<HashSet<String>>,
}

/// Where a value goes: the extent before it and its key.
struct Slot {
    mark: Mark,
    parent: Option<NodeId>,
    name: Span,
    place: Option<Place>,
}

struct Reader<'s, 'r, 'f> {
    scan: Scan<'s>,
    document: Document,
    frames: Vec<Frame>,
    record: Option<(Mark, NodeId)>,
    /// Whether what the path leads to is there, be it empty.
    found: bool,
    each: &'r [Step],
    limits: &'r Limits,
    on_record: &'r mut OnRecord<'f>,
}

/// Reads a whole payload.
pub(super) fn read(
    options: &JsonOptions,
    source: &str,
    each: &[Step],
    limits: &Limits,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    let (document, frames, record) = (Document::with_room_for(source), Vec::new(), None);
    let doubled = options.doubled;
    let scan = Scan { source, at: 0, doubled };
    let found = false;
    let mut reader = Reader { scan, document, frames, record, found, each, limits, on_record };
    if !options.lines {
        return reader.payload();
    }
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        let end = start + line.len();
        if !line.trim_ascii().is_empty() {
            // Without its line end, or what is missing would be missed on the next line.
            let text_end = start + line.trim_ascii_end().len();
            let source = source.get(..text_end).unwrap_or(source);
            reader.scan = Scan { source, at: start, doubled };
            reader.document.clear();
            reader.frames.clear();
            reader.record = None;
            reader.found = false;
            if let Err(fault) = reader.payload() {
                (reader.on_record)(Err(fault));
            }
        }
        start = end;
    }
    Ok(())
}

impl Reader<'_, '_, '_> {
    /// Reads one value and nothing after it.
    fn payload(&mut self) -> Result<(), Fault> {
        let mark = self.document.mark(None);
        let place = Some(Place { steps: 0, item: false });
        self.scan.space();
        self.value(Slot { mark, parent: None, name: Span::EMPTY, place })?;
        while let Some(frame) = self.frames.last_mut() {
            let fresh = std::mem::replace(&mut frame.fresh, false);
            let close = if frame.object { b'}' } else { b']' };
            self.scan.space();
            match self.scan.peek() {
                Some(byte) if byte == close => {
                    self.scan.at += 1;
                    self.found |= fresh && self.may_be_empty();
                    self.close();
                }
                Some(b',') if !fresh => {
                    self.scan.at += 1;
                    self.scan.space();
                    self.member()?;
                }
                _ if fresh => self.member()?,
                _ => return Err(self.scan.unexpected("a comma or the closing bracket")),
            }
        }
        self.scan.space();
        match self.scan.peek() {
            Some(_) => Err(self.scan.unexpected("the end")),
            None if !self.found => Err(Fault::list_absent(self.each)),
            None => Ok(()),
        }
    }

    /// Whether the innermost container, which holds nothing, says that there are no records: a list
    /// on the path, or an object of which every member would be one.
    fn may_be_empty(&self) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let step = frame.place.and_then(|place| self.each.get(place.steps));
        step.is_some_and(|step| !frame.object || step.name == "*")
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if self.record.is_some_and(|(_, id)| id == frame.id) {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if let Some((mark, id)) = self.record.take() {
            (self.on_record)(Ok((&self.document, id)));
            self.document.truncate(mark);
        }
    }

    /// Reads the next item, or key and value, of the innermost container.
    fn member(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let mark = self.document.mark(Some(frame.id));
        let parent = Some(frame.id);
        if !frame.object {
            let place = frame.place.filter(|place| !place.item);
            let place = place.map(|place| Place { item: true, ..place });
            return self.value(Slot { mark, parent, name: Span::EMPTY, place });
        }
        let offset = self.scan.at;
        let start = self.document.text_bytes();
        self.scan.string(self.document.buffer())?;
        let name = self.document.span_from(start);
        let key = self.document.stored(name);
        if !is_new(frame, &self.document, key) {
            let detail = format!("the key {key:?} is there twice");
            return Err(Fault::new(FaultKind::DuplicateKey, offset, detail));
        }
        let place = frame.place.and_then(|place| {
            let step = self.each.get(place.steps)?;
            step.matches(key, "").then_some(Place { steps: place.steps + 1, item: false })
        });
        self.scan.space();
        self.scan.byte(b':', "a colon")?;
        self.scan.space();
        self.value(Slot { mark, parent, name, place })
    }

    /// Reads a scalar, or opens a container.
    fn value(&mut self, slot: Slot) -> Result<(), Fault> {
        let kind = match self.scan.peek() {
            Some(b'{') => NodeKind::Object,
            Some(b'[') => NodeKind::Array,
            Some(b'"') => NodeKind::Text,
            Some(b't' | b'f') => NodeKind::Bool,
            Some(b'n') => NodeKind::Null,
            Some(b'-' | b'0'..=b'9') => NodeKind::Number,
            _ => return Err(self.scan.unexpected("a value")),
        };
        let offset = self.scan.at;
        let id = self.document.push(slot.parent, kind, slot.name, offset);
        let container = matches!(kind, NodeKind::Object | NodeKind::Array);
        let at_end = slot.place.filter(|place| place.steps == self.each.len());
        let is_record = at_end.is_some_and(|place| match kind {
            NodeKind::Array => place.item,
            NodeKind::Null => place.item || place.steps == 0,
            _ => true,
        });
        self.found |= at_end.is_some() || (kind == NodeKind::Null && slot.place.is_some());
        if is_record {
            self.record = Some((slot.mark, id));
        }
        if container {
            self.scan.at += 1;
            if self.frames.len() >= self.limits.depth_max as usize {
                return Err(Fault::limit("depth_max", self.limits.depth_max, offset));
            }
            let (object, place) = (kind == NodeKind::Object, slot.place.filter(|_| !is_record));
            let seen = (object && place.is_some()).then(HashSet::new);
            self.frames.push(Frame { id, object, fresh: true, place, keys: 0, seen });
        } else {
            self.scalar(kind, id)?;
        }
        check_size(
            &self.document,
            self.record.as_ref().map(|(mark, _)| mark),
            self.limits,
            offset,
        )?;
        if is_record && !container {
            self.hand_over();
        }
        Ok(())
    }

    fn scalar(&mut self, kind: NodeKind, id: NodeId) -> Result<(), Fault> {
        let text = match kind {
            NodeKind::Number => self.document.store(self.scan.number()?),
            NodeKind::Null => self.document.store(self.scan.word("null")?),
            NodeKind::Bool if self.scan.peek() == Some(b't') => {
                self.document.store(self.scan.word("true")?)
            }
            NodeKind::Bool => self.document.store(self.scan.word("false")?),
            _ => {
                let start = self.document.text_bytes();
                self.scan.string(self.document.buffer())?;
                self.document.span_from(start)
            }
        };
        self.document.set_text(id, text);
        Ok(())
    }
}

/// Whether the object has not had this key; it has it from now on.
fn is_new(frame: &mut Frame, document: &Document, key: &str) -> bool {
    frame.keys += 1;
    if frame.seen.is_none() {
        if frame.keys <= KEYS_SCANNED {
            return document.children(frame.id).all(|child| document.name(child) != key);
        }
        let before = document.children(frame.id).map(|child| document.name(child).to_owned());
        frame.seen = Some(before.collect());
    }
    frame.seen.as_mut().is_none_or(|seen| seen.insert(key.to_owned()))
}

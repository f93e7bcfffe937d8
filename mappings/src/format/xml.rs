//! XML 1.0 with namespaces.
//!
//! `tokens` splits the markup and pairs the tags; what it leaves open (names, attributes,
//! namespaces, references, what may stand outside the root) is decided here and in `markup`.

use memchr::memchr2;

use super::markup::{Attribute, attributes, check_name, forbidden_character, push_reference};
use super::markup::{push_lines, push_value, split};
use super::tokens::{Token, Tokens};
use super::{Fault, FaultKind, Limits, OnRecord, Step, check_size};
use crate::document::{Document, Mark, NodeId, NodeKind};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
/// Room for the open elements of a usual document, the texts in them, and an element's attributes.
const DEPTH_TYPICAL: usize = 16;
const TEXT_BYTES_TYPICAL: usize = 1000;
const ATTRIBUTES_TYPICAL: usize = 8;
/// How many namespaces may be in use at once, and how many prefixes bound: each name is looked for
/// among them.
const NAMESPACES_MAX: u32 = 256;

/// An element whose end tag has not come.
struct Open {
    id: NodeId,
    /// Where its text begins in the scratch buffer.
    text: usize,
    /// How many prefixes were bound before it.
    bindings: usize,
    /// Whether the path to the record leads through it.
    on_path: bool,
    has_children: bool,
}

struct Reader<'s, 'r, 'f> {
    source: &'s str,
    document: Document,
    open: Vec<Open>,
    /// The text read so far of every open element, the innermost last.
    scratch: String,
    bindings: Vec<(&'s str, u32)>,
    attributes: Vec<Attribute<'s>>,
    /// The expanded names of the present element's attributes.
    expanded: Vec<(u32, &'s str)>,
    record: Option<(Mark, NodeId)>,
    finished: bool,
    /// Whether what holds the records is there, be it empty.
    found: bool,
    each: &'r [Step],
    limits: &'r Limits,
    on_record: &'r mut OnRecord<'f>,
}

/// Reads a whole payload.
pub(super) fn read(
    source: &str,
    each: &[Step],
    limits: &Limits,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    if let Some(at) = forbidden_character(source) {
        return Err(Fault::syntax(at, "a character XML does not allow"));
    }
    let mut reader = Reader {
        source,
        document: Document::with_room_for(source),
        open: Vec::with_capacity(DEPTH_TYPICAL),
        scratch: String::with_capacity(TEXT_BYTES_TYPICAL),
        bindings: Vec::new(),
        attributes: Vec::with_capacity(ATTRIBUTES_TYPICAL),
        expanded: Vec::new(),
        record: None,
        finished: false,
        found: each.is_empty(),
        each,
        limits,
        on_record,
    };
    let mut tokens = Tokens::new(source);
    loop {
        let offset = tokens.offset();
        match tokens.next() {
            Ok(Token::Eof) => return reader.end_of_input(),
            Ok(token) => reader.token(token, offset)?,
            Err((error, reported)) => return Err(reader.broken(&error, offset, reported)),
        }
    }
}

impl<'s> Reader<'s, '_, '_> {
    fn token(&mut self, token: Token<'s>, offset: usize) -> Result<(), Fault> {
        match token {
            Token::Start(name, rest) => self.start(offset, name, rest),
            Token::Empty(name, rest) => {
                self.start(offset, name, rest)?;
                self.end(offset)
            }
            Token::End => self.end(offset),
            Token::Text(text) => self.text(text, offset),
            Token::CData(text) if !self.open.is_empty() => {
                push_lines(text, &mut self.scratch);
                self.check_text(offset)
            }
            Token::Reference(name) if !self.open.is_empty() => {
                push_reference(name, &mut self.scratch, offset)?;
                self.check_text(offset)
            }
            Token::CData(_) | Token::Reference(_) => {
                Err(Fault::syntax(offset, "text outside the root element"))
            }
            Token::DocType => Err(doctype(offset)),
            Token::Declaration if offset > 0 => {
                Err(Fault::syntax(offset, "an XML declaration that is not at the beginning"))
            }
            Token::Declaration | Token::Aside | Token::Eof => Ok(()),
        }
    }

    fn broken(&self, error: &quick_xml::Error, offset: usize, reported: u64) -> Fault {
        let rest = self.source.as_bytes().get(offset..).unwrap_or_default();
        let declares = rest.get(..9).is_some_and(|at| at.eq_ignore_ascii_case(b"<!DOCTYPE"));
        if declares {
            return doctype(offset);
        }
        Fault::syntax(usize::try_from(reported).unwrap_or(offset), error.to_string())
    }

    fn end_of_input(&self) -> Result<(), Fault> {
        if let Some(open) = self.open.last() {
            let name = self.document.name(open.id);
            return Err(Fault::syntax(self.source.len(), format!("<{name}> is never closed")));
        }
        if !self.finished {
            return Err(Fault::syntax(self.source.len(), "there is no root element"));
        }
        if self.found { Ok(()) } else { Err(Fault::list_absent(self.each)) }
    }

    fn text(&mut self, text: &str, offset: usize) -> Result<(), Fault> {
        if self.open.is_empty() {
            let blank = text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
            let fault = || Fault::syntax(offset, "text outside the root element");
            return blank.then_some(()).ok_or_else(fault);
        }
        // Most texts hold neither, and stand as they are.
        if memchr2(b'>', b'\r', text.as_bytes()).is_none() {
            self.scratch.push_str(text);
            return self.check_text(offset);
        }
        if text.contains("]]>") {
            return Err(Fault::syntax(offset, "]]> outside of a CDATA section"));
        }
        push_lines(text, &mut self.scratch);
        self.check_text(offset)
    }

    fn check_text(&self, offset: usize) -> Result<(), Fault> {
        if self.scratch.len() > self.limits.text_bytes_max as usize {
            return Err(Fault::limit("text_bytes_max", self.limits.text_bytes_max, offset));
        }
        Ok(())
    }

    /// Opens an element whose tag begins at `offset`.
    fn start(&mut self, offset: usize, name: usize, rest: usize) -> Result<(), Fault> {
        if self.open.is_empty() && self.finished {
            return Err(Fault::syntax(offset, "a second root element"));
        }
        if self.open.len() >= self.limits.depth_max as usize {
            return Err(Fault::limit("depth_max", self.limits.depth_max, offset));
        }
        let name_end = offset + 1 + name;
        let qname = self.source.get(offset + 1..name_end).unwrap_or_default();
        let rest = self.source.get(name_end..name_end + rest).unwrap_or_default();
        check_name(qname, offset + 1)?;
        let parent = self.parent_of_next();
        let mark = self.document.mark(parent);
        let bindings = self.bindings.len();
        attributes(rest, name_end, self.limits, &mut self.attributes)?;
        self.bind()?;
        let (prefix, local) = split(qname);
        let namespace = self.resolve(prefix, offset)?;
        let name = self.document.store(local);
        let id = self.document.push(parent, NodeKind::Element, name, offset);
        self.document.set_namespace(id, namespace);
        let on_path = self.place(id, mark, namespace, local);
        self.attribute_nodes(id)?;
        let text = self.scratch.len();
        self.open.push(Open { id, text, bindings, on_path, has_children: false });
        self.check_size(offset)
    }

    /// The element the next child goes into, its indentation so far dropped.
    fn parent_of_next(&mut self) -> Option<NodeId> {
        let parent = self.open.last_mut()?;
        parent.has_children = true;
        if self.scratch.get(parent.text..).is_some_and(is_blank) {
            self.scratch.truncate(parent.text);
        }
        Some(parent.id)
    }

    /// Whether the path leads through this element; if it ends here, this is the record.
    fn place(&mut self, id: NodeId, mark: Mark, namespace: u32, local: &str) -> bool {
        let above = self.open.last().is_none_or(|parent| parent.on_path);
        let depth = self.open.len();
        let Some(step) = self.each.get(depth) else {
            if self.each.is_empty() && depth == 0 {
                self.record = Some((mark, id));
            }
            return false;
        };
        let on_path = above && step.matches(local, self.document.interned(namespace));
        let is_record = on_path && depth + 1 == self.each.len();
        self.found |= on_path && depth + 2 >= self.each.len();
        if is_record {
            self.record = Some((mark, id));
        }
        on_path && !is_record
    }

    fn check_size(&self, offset: usize) -> Result<(), Fault> {
        check_size(&self.document, self.record.as_ref().map(|(mark, _)| mark), self.limits, offset)
    }

    /// Binds the prefixes the element's attributes declare.
    fn bind(&mut self) -> Result<(), Fault> {
        let before = self.bindings.len();
        for attribute in &self.attributes {
            let Some(prefix) = attribute.declares() else { continue };
            let offset = attribute.offset;
            let start = self.scratch.len();
            push_value(attribute.value, &mut self.scratch, attribute.value_offset)?;
            let uri = self.scratch.get(start..).unwrap_or_default();
            let reserved = uri == XMLNS || prefix == "xmlns" || (uri == XML) != (prefix == "xml");
            if reserved || (uri.is_empty() && !prefix.is_empty()) {
                return Err(Fault::syntax(offset, format!("a bad declaration of {prefix:?}")));
            }
            let number = self.document.intern(uri);
            self.scratch.truncate(start);
            if number > NAMESPACES_MAX || self.bindings.len() >= NAMESPACES_MAX as usize {
                return Err(Fault::limit("namespaces", NAMESPACES_MAX, offset));
            }
            let mut siblings = self.bindings.iter().skip(before);
            if siblings.any(|(bound, _)| *bound == prefix) {
                return Err(Fault::syntax(offset, format!("{prefix:?} is declared twice")));
            }
            self.bindings.push((prefix, number));
        }
        Ok(())
    }

    /// The namespace a prefix is bound to.
    fn resolve(&mut self, prefix: &str, offset: usize) -> Result<u32, Fault> {
        if prefix == "xml" {
            return Ok(self.document.intern(XML));
        }
        // Comparing two empty texts byte by byte reads from a dangling address, which some
        // processors punish with a slow path.
        let same = |bound: &str| match (bound.is_empty(), prefix.is_empty()) {
            (false, false) => bound == prefix,
            (left, right) => left == right,
        };
        match self.bindings.iter().rev().find(|(bound, _)| same(bound)) {
            Some((_, number)) => Ok(*number),
            None if prefix.is_empty() => Ok(0),
            None => Err(Fault::syntax(offset, format!("the prefix {prefix:?} is not bound"))),
        }
    }

    /// Adds the attributes that declare no namespace as children of their element.
    fn attribute_nodes(&mut self, element: NodeId) -> Result<(), Fault> {
        self.expanded.clear();
        for index in 0..self.attributes.len() {
            let Some(attribute) = self.attributes.get(index).copied() else { break };
            if attribute.declares().is_some() {
                continue;
            }
            let (prefix, local) = split(attribute.name);
            let offset = attribute.offset;
            let namespace = if prefix.is_empty() { 0 } else { self.resolve(prefix, offset)? };
            if self.expanded.contains(&(namespace, local)) {
                return Err(Fault::syntax(offset, format!("the attribute {local} is there twice")));
            }
            self.expanded.push((namespace, local));
            let name = self.document.store(local);
            let start = self.document.text_bytes();
            push_value(attribute.value, self.document.buffer(), attribute.value_offset)?;
            let text = self.document.span_from(start);
            let id = self.document.push(Some(element), NodeKind::Attribute, name, offset);
            self.document.set_namespace(id, namespace);
            self.document.set_text(id, text);
            let says_nil = local == "nil" && matches!(self.document.text(id).trim(), "true" | "1");
            if says_nil && self.document.namespace(id) == XSI {
                self.document.set_nil(element);
            }
        }
        Ok(())
    }

    /// Closes the innermost element.
    fn end(&mut self, offset: usize) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else {
            return Err(Fault::syntax(offset, "an end tag without its start tag"));
        };
        let text = self.scratch.get(open.text..).unwrap_or_default();
        if !(text.is_empty() || open.has_children && is_blank(text)) {
            let span = self.document.store(text);
            self.document.set_text(open.id, span);
        }
        self.scratch.truncate(open.text);
        self.bindings.truncate(open.bindings);
        self.finished = self.open.is_empty();
        self.check_size(offset)?;
        if self.record.is_some_and(|(_, id)| id == open.id)
            && let Some((mark, id)) = self.record.take()
        {
            (self.on_record)(Ok((&self.document, id)));
            self.document.truncate(mark);
        }
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
}

fn doctype(offset: usize) -> Fault {
    Fault::new(FaultKind::ForbiddenMarkup, offset, "a document type declaration")
}

//! What an envelope's reader has in common: names with their namespaces, and header blocks as
//! small trees.

use contracts::problem::{FORBIDDEN_MARKUP, Kind, LIMIT_EXCEEDED};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{PrefixDeclaration, QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::kinds::NOT_SOAP;

/// How deep elements of an envelope may nest; the reader of mappings has the same bound.
const DEPTH_MAX: usize = 64;
/// Elements in the header of one envelope.
const HEADER_ELEMENTS_MAX: usize = 512;
/// Bytes of texts and attributes in the header of one envelope.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Why an envelope is not read: the kind, and what is particular to this case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) kind: &'static Kind,
    /// Vietnamese, English.
    pub(crate) detail: Option<(String, String)>,
}

impl Unread {
    pub(crate) fn plain(kind: &'static Kind) -> Self {
        Self { kind, detail: None }
    }

    pub(crate) fn told(kind: &'static Kind, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { kind, detail: Some((vi.into(), en.into())) }
    }

    fn over(limit: &str, max: usize) -> Self {
        Self::told(
            &LIMIT_EXCEEDED,
            format!("{limit}: tối đa {max}."),
            format!("{limit}: at most {max}."),
        )
    }
}

/// A name with its namespace; an empty one where it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) namespace: String,
    pub(crate) local: String,
}

impl Name {
    pub(crate) fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }
}

/// A header block, or an element of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) name: Name,
    pub(crate) attributes: Vec<(Name, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Block>,
}

impl Block {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(name, _)| name.is(namespace, local));
        found.map(|(_, value)| value.as_str())
    }

    /// The one child of a name; an error if there are several.
    pub(crate) fn only(&self, namespace: &str, local: &str) -> Result<Option<&Block>, ()> {
        let mut found = self.children.iter().filter(|child| child.name.is(namespace, local));
        let first = found.next();
        if found.next().is_some() { Err(()) } else { Ok(first) }
    }
}

/// A prefix that is declared around an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// What every use of it has; empty for the default namespace.
    pub(crate) mark: String,
    /// Its declaration, as it is written into a start tag.
    pub(crate) declaration: String,
}

/// Reads the markup of an envelope, held to what SOAP allows anywhere in it.
pub(crate) struct Markup<'s> {
    source: &'s str,
    reader: NsReader<&'s [u8]>,
    began: usize,
    depth: usize,
    elements: usize,
    bytes: usize,
}

impl<'s> Markup<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self {
            source,
            reader: NsReader::from_str(source),
            began: 0,
            depth: 0,
            elements: 0,
            bytes: 0,
        }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Where the piece read last begins.
    pub(crate) fn began(&self) -> usize {
        self.began
    }

    /// Where the piece read last ends.
    pub(crate) fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The next piece that says something; comments and the declaration are passed over.
    pub(crate) fn next(&mut self) -> Result<Event<'s>, Unread> {
        loop {
            let at = self.offset();
            self.began = at;
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(self.broken(at, &error)),
            };
            match &event {
                Event::Comment(_) => continue,
                Event::Decl(_) if at == 0 => continue,
                Event::DocType(_) => return Err(Unread::plain(&FORBIDDEN_MARKUP)),
                Event::PI(_) | Event::Decl(_) => {
                    let (vi, en) = ("Có lệnh xử lý (PI).", "It holds a processing instruction.");
                    return Err(Unread::told(&NOT_SOAP, vi, en));
                }
                Event::GeneralRef(name) => {
                    let known = name.is_char_ref() || resolve_xml_entity(name).is_some();
                    if !known {
                        return Err(Unread::plain(&FORBIDDEN_MARKUP));
                    }
                }
                Event::Start(_) if self.depth >= DEPTH_MAX => {
                    return Err(Unread::over("depth_max", DEPTH_MAX));
                }
                Event::Start(_) => self.depth += 1,
                Event::End(_) => self.depth = self.depth.saturating_sub(1),
                Event::Eof if self.depth > 0 => return Err(Unread::plain(&NOT_SOAP)),
                _ => {}
            }
            return Ok(event);
        }
    }

    fn broken(&self, at: usize, error: &quick_xml::Error) -> Unread {
        let rest = self.source.as_bytes().get(at..).unwrap_or_default();
        if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!DOCTYPE")) {
            return Unread::plain(&FORBIDDEN_MARKUP);
        }
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Unread::told(&NOT_SOAP, format!("Dòng {line}: {error}"), format!("Line {line}: {error}"))
    }

    /// The name of an element whose start tag was read last.
    pub(crate) fn name(&self, tag: &BytesStart<'_>) -> Result<Name, Unread> {
        let (found, local) = self.reader.resolver().resolve_element(tag.name());
        Ok(Name { namespace: bound(found)?, local: local.as_ref().to_owned() })
    }

    /// The prefixes in force at the start tag read last, as declarations; not those it has itself.
    pub(crate) fn inherited(&self, tag: &BytesStart<'_>) -> Result<Vec<Inherited>, Unread> {
        let mut own = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| Unread::plain(&NOT_SOAP))?;
            own.push(attribute.key.as_ref().to_owned());
        }
        let mut found = Vec::new();
        for (prefix, namespace) in self.reader.resolver().bindings() {
            let (name, mark) = match prefix {
                PrefixDeclaration::Default => ("xmlns".to_owned(), String::new()),
                PrefixDeclaration::Named(prefix) => {
                    (format!("xmlns:{prefix}"), format!("{prefix}:"))
                }
            };
            if !own.contains(&name) {
                let value = namespace.into_inner().replace('"', "&quot;");
                found.push(Inherited { mark, declaration: format!(" {name}=\"{value}\"") });
            }
        }
        Ok(found)
    }

    /// A header block whose start tag was read last.
    pub(crate) fn block(&mut self, tag: &BytesStart<'_>, empty: bool) -> Result<Block, Unread> {
        let mut open = vec![self.opened(tag)?];
        if empty {
            return open.pop().ok_or_else(|| Unread::plain(&NOT_SOAP));
        }
        loop {
            let event = self.next()?;
            let Some(last) = open.last_mut() else { return Err(Unread::plain(&NOT_SOAP)) };
            match event {
                Event::Start(tag) => {
                    let block = self.opened(&tag)?;
                    open.push(block);
                }
                Event::Empty(tag) => {
                    let block = self.opened(&tag)?;
                    last.children.push(block);
                }
                Event::Text(text) => last.text.push_str(&self.counted(text.into_inner())?),
                Event::CData(text) => last.text.push_str(&self.counted(text.into_inner())?),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(letter)) => last.text.push(letter),
                    _ => last.text.push_str(resolve_xml_entity(&name).unwrap_or_default()),
                },
                Event::End(_) => {
                    let Some(block) = open.pop() else { return Err(Unread::plain(&NOT_SOAP)) };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(block),
                        None => return Ok(block),
                    }
                }
                _ => return Err(Unread::plain(&NOT_SOAP)),
            }
        }
    }

    fn counted<T: AsRef<str>>(&mut self, text: T) -> Result<T, Unread> {
        self.bytes += text.as_ref().len();
        match self.bytes > HEADER_BYTES_MAX {
            true => Err(Unread::over("header_bytes_max", HEADER_BYTES_MAX)),
            false => Ok(text),
        }
    }

    fn opened(&mut self, tag: &BytesStart<'_>) -> Result<Block, Unread> {
        self.elements += 1;
        if self.elements > HEADER_ELEMENTS_MAX {
            return Err(Unread::over("header_elements_max", HEADER_ELEMENTS_MAX));
        }
        self.counted(tag.attributes_raw())?;
        let name = self.name(tag)?;
        let attributes = self.attributes(tag)?;
        Ok(Block { name, attributes, ..Block::default() })
    }

    /// The attributes of a start tag that declare no namespace.
    fn attributes(&self, tag: &BytesStart<'_>) -> Result<Vec<(Name, String)>, Unread> {
        let mut found = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| Unread::plain(&NOT_SOAP))?;
            let key: QName<'_> = attribute.key;
            if key.as_namespace_binding().is_some() {
                continue;
            }
            let (namespace, local) = self.reader.resolver().resolve_attribute(key);
            let name = Name { namespace: bound(namespace)?, local: local.as_ref().to_owned() };
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Unread::plain(&NOT_SOAP))?;
            found.push((name, value.into_owned()));
        }
        Ok(found)
    }
}

fn bound(found: ResolveResult<'_>) -> Result<String, Unread> {
    match found {
        ResolveResult::Bound(namespace) => Ok(namespace.into_inner().to_owned()),
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Unknown(prefix) => {
            let vi = format!("Tiền tố {prefix} chưa được khai báo.");
            Err(Unread::told(&NOT_SOAP, vi, format!("The prefix {prefix} is not declared.")))
        }
    }
}

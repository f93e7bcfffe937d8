//! One native payload as an arena tree: the shape every format is read into.
//!
//! All names and texts live in one buffer and all nodes in one vector, so building a record
//! allocates nothing per node. Readers stream: when a record has been handed over, the arena is
//! cut back to where that record began.

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A JSON object, or one CSV row.
    Object,
    /// A JSON array, or the whole of a CSV file.
    Array,
    /// A JSON string, or one CSV field.
    Text,
    /// A JSON number; its text is verbatim.
    Number,
    /// A JSON `true` or `false`.
    Bool,
    /// A JSON `null`.
    Null,
    /// An XML element.
    Element,
    /// An XML attribute; a child of its element, before the child elements.
    Attribute,
}

/// The handle of a node; it is meaningful only for the document that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

const NONE: u32 = u32::MAX;

/// A range of the text buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The empty range.
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// A few bytes of a name in one number: equal names have equal marks, others seldom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameMark(u32);

impl NameMark {
    /// The mark of a name.
    pub(crate) fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mixed = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                u64::from_le_bytes(*first).rotate_left(21) ^ u64::from_le_bytes(*last)
            }
            _ => bytes.iter().fold(0, |mixed: u64, byte| (mixed << 8) | u64::from(*byte)),
        };
        let spread = (mixed ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self((spread >> 32) as u32)
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    name: Span,
    mark: NameMark,
    text: Span,
    parent: u32,
    first: u32,
    last: u32,
    next: u32,
    offset: u32,
    namespace: u32,
    kind: NodeKind,
    nil: bool,
}

static ABSENT: Node = Node {
    name: Span::EMPTY,
    mark: NameMark(0),
    text: Span::EMPTY,
    parent: NONE,
    first: NONE,
    last: NONE,
    next: NONE,
    offset: 0,
    namespace: 0,
    kind: NodeKind::Null,
    nil: true,
};

/// A point the arena can be cut back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    nodes: usize,
    text: usize,
    namespaces: usize,
    parent: u32,
    parent_last: u32,
}

/// The tree of one payload, or of the part of it read so far.
#[derive(Debug, Default)]
pub struct Document {
    text: String,
    nodes: Vec<Node>,
    namespaces: Vec<String>,
}

impl Document {
    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&ABSENT)
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// What the node is.
    #[must_use]
    pub fn kind(&self, id: NodeId) -> NodeKind {
        self.node(id).kind
    }

    /// The local name (XML), key (JSON) or header (CSV); empty for an array's items.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.slice(self.node(id).name)
    }

    /// The mark of the node's name.
    #[inline]
    pub(crate) fn name_mark(&self, id: NodeId) -> NameMark {
        self.node(id).mark
    }

    /// Whether the node has that name, whose mark is given.
    #[inline]
    pub(crate) fn is_named(&self, id: NodeId, name: &str, mark: NameMark) -> bool {
        let node = self.node(id);
        node.mark == mark && self.slice(node.name) == name
    }

    /// The namespace an XML element or attribute is in; empty when in none.
    #[must_use]
    pub fn namespace(&self, id: NodeId) -> &str {
        let at = self.node(id).namespace as usize;
        at.checked_sub(1).and_then(|at| self.namespaces.get(at)).map_or("", String::as_str)
    }

    /// The node's own text: a scalar's, an attribute's, or an element's own, joined in order.
    #[must_use]
    pub fn text(&self, id: NodeId) -> &str {
        self.slice(self.node(id).text)
    }

    /// The children in document order, attributes first.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let first = self.node(id).first;
        std::iter::successors((first != NONE).then_some(NodeId(first)), |at| {
            let next = self.node(*at).next;
            (next != NONE).then_some(NodeId(next))
        })
    }

    /// The node that holds this one.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        let parent = self.node(id).parent;
        (parent != NONE).then_some(NodeId(parent))
    }

    /// Where the node begins, as a byte offset in the decoded source text.
    #[must_use]
    pub fn offset(&self, id: NodeId) -> usize {
        self.node(id).offset as usize
    }

    /// Whether the sender said "no value": `xsi:nil="true"` or JSON `null`.
    #[must_use]
    pub fn is_nil(&self, id: NodeId) -> bool {
        self.node(id).nil
    }

    /// How many nodes the arena holds now.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many bytes of names and texts the arena holds now.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// An empty arena with room for a record of a usual size.
    pub(crate) fn with_room_for(source: &str) -> Self {
        let text = String::with_capacity(source.len().min(16 * 1024));
        let nodes = Vec::with_capacity((source.len() / 16).clamp(16, 512));
        Self { text, nodes, namespaces: Vec::new() }
    }

    /// Empties the arena, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.nodes.clear();
        self.namespaces.clear();
    }

    /// Adds a node as the last child of `parent`.
    pub(crate) fn push(
        &mut self,
        parent: Option<NodeId>,
        kind: NodeKind,
        name: Span,
        offset: usize,
    ) -> NodeId {
        let id = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let parent = parent.map_or(NONE, |parent| parent.0);
        let offset = u32::try_from(offset).unwrap_or(NONE);
        let nil = kind == NodeKind::Null;
        let mark = NameMark::of(self.slice(name));
        self.nodes.push(Node { name, mark, parent, offset, kind, nil, ..ABSENT });
        if let Some(above) = self.nodes.get_mut(parent as usize) {
            let before = std::mem::replace(&mut above.last, id);
            if before == NONE {
                above.first = id;
            } else if let Some(before) = self.nodes.get_mut(before as usize) {
                before.next = id;
            }
        }
        NodeId(id)
    }

    /// The buffer, to append a name or text to; see [`Document::span_from`].
    pub(crate) fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    /// The span from `start` (an earlier [`Document::text_bytes`]) to the buffer's end.
    pub(crate) fn span_from(&self, start: usize) -> Span {
        let at = |bytes: usize| u32::try_from(bytes).unwrap_or(NONE);
        Span { start: at(start), end: at(self.text.len()) }
    }

    /// Appends `text` to the buffer.
    pub(crate) fn store(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        self.span_from(start)
    }

    /// The text of a span.
    pub(crate) fn stored(&self, span: Span) -> &str {
        self.slice(span)
    }

    /// Sets the node's text.
    pub(crate) fn set_text(&mut self, id: NodeId, text: Span) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.text = text;
        }
    }

    /// Marks the node as explicitly having no value.
    pub(crate) fn set_nil(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.nil = true;
        }
    }

    /// Sets the node's namespace, by the number [`Document::intern`] gave.
    pub(crate) fn set_namespace(&mut self, id: NodeId, namespace: u32) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.namespace = namespace;
        }
    }

    /// The number of a namespace: 0 for none, else one more than its index.
    pub(crate) fn intern(&mut self, namespace: &str) -> u32 {
        if namespace.is_empty() {
            return 0;
        }
        let known = self.namespaces.iter().position(|known| known == namespace);
        let at = known.unwrap_or_else(|| {
            self.namespaces.push(namespace.to_owned());
            self.namespaces.len() - 1
        });
        u32::try_from(at + 1).unwrap_or(NONE)
    }

    /// The namespace a number stands for.
    pub(crate) fn interned(&self, number: u32) -> &str {
        let at = (number as usize).checked_sub(1);
        at.and_then(|at| self.namespaces.get(at)).map_or("", String::as_str)
    }

    /// The arena's present extent, taken before a child of `parent` is added.
    pub(crate) fn mark(&self, parent: Option<NodeId>) -> Mark {
        let (parent, parent_last) =
            parent.map_or((NONE, NONE), |parent| (parent.0, self.node(parent).last));
        let (nodes, text) = (self.nodes.len(), self.text.len());
        Mark { nodes, text, namespaces: self.namespaces.len(), parent, parent_last }
    }

    /// Cuts the arena back to `mark`.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.nodes.truncate(mark.nodes);
        self.text.truncate(mark.text);
        self.namespaces.truncate(mark.namespaces);
        if let Some(parent) = self.nodes.get_mut(mark.parent as usize) {
            parent.last = mark.parent_last;
            if mark.parent_last == NONE {
                parent.first = NONE;
            }
        }
        if let Some(before) = self.nodes.get_mut(mark.parent_last as usize) {
            before.next = NONE;
        }
    }
}

impl Mark {
    /// How many nodes the arena held.
    pub(crate) fn nodes(&self) -> usize {
        self.nodes
    }

    /// How many bytes of text the arena held.
    pub(crate) fn text(&self) -> usize {
        self.text
    }
}

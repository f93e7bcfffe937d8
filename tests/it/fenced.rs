//! What stands between fences in a page of documentation: what its reader types.

use std::fs;

use crate::lienthong::root;

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What stands behind the fence: the language, maybe with the name of a file.
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// A page of `docs/`.
pub(crate) fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// All blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut all = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(kind)) => {
                open = Some(Block { kind: kind.trim().to_owned(), text: String::new() });
            }
            (Some(block), Some(_)) => all.push(block),
            (Some(mut block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block has no end");
    all
}

/// The blocks of a page that nothing has run yet. A test takes one after the other and, at the end,
/// has [`Left::none`] fail where there is another: so none is forgotten.
#[derive(Debug)]
pub(crate) struct Left(std::vec::IntoIter<Block>);

impl Left {
    pub(crate) fn of(page: &str) -> Self {
        Self(blocks(page).into_iter())
    }

    /// The next one, which is of this kind and has these words.
    #[track_caller]
    pub(crate) fn next(&mut self, kind: &str, words: &str) -> String {
        let block = self.0.next().unwrap_or_else(|| panic!("the page has no block of {words}"));
        assert!(block.kind == kind && block.text.contains(words), "{kind}, {words}: {block:?}");
        block.text
    }

    /// Fails where a block is left.
    #[track_caller]
    pub(crate) fn none(mut self) {
        assert_eq!(self.0.next(), None, "a block that no test runs");
    }
}

#[test]
fn a_block_that_is_not_taken_is_told() {
    let page = "x\n```sh\none\n```\ny\n```sql\ntwo\n\nmore\n```\n";
    let mut left = Left::of(page);
    assert_eq!(left.next("sh", "one"), "one\n");
    let told = std::panic::catch_unwind(|| Left::of(page).none());
    assert!(told.is_err());
    assert_eq!(left.next("sql", "more"), "two\n\nmore\n");
    left.none();
}

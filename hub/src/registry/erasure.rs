//! What an erasure entry says: whose persons, who asked, why, and all that went.

use serde::{Deserialize, Serialize};

/// Who asked for an erasure: a word of a list, for no name may come into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ErasureAskedBy)]
pub enum AskedBy {
    /// Whose data it is.
    Subject,
    /// Who acts for them.
    Representative,
    /// The agency that sent it.
    Agency,
    /// A court, or an authority that may order it.
    Authority,
}

impl AskedBy {
    /// The word of each.
    pub const NAMES: [(&str, Self); 4] = [
        ("subject", Self::Subject),
        ("representative", Self::Representative),
        ("agency", Self::Agency),
        ("authority", Self::Authority),
    ];

    /// In Vietnamese and in English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Subject => ("chủ thể dữ liệu", "the person"),
            Self::Representative => ("người đại diện", "who acts for the person"),
            Self::Agency => ("cơ quan đã gửi", "the agency that sent it"),
            Self::Authority => ("cơ quan có thẩm quyền", "an authority"),
        }
    }
}

/// The public text of an erasure entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureText {
    /// The names of the dossier then, each as `source/source_code`; behind them those of feedback
    /// and requests about it, of applications that became it, and of answers to all of these, as
    /// `agency/contract/key`.
    pub names: Vec<String>,
    /// Who asked.
    pub asked_by: AskedBy,
    /// Why, in words with nothing personal in them.
    pub reason: String,
    /// Positions of the entries whose personal texts went.
    pub texts: Vec<u64>,
    /// Numbers of the messages whose raw bytes went.
    pub messages: Vec<u64>,
    /// How many attached files went: a digest would stay in the journal for ever.
    #[serde(default)]
    pub files: u64,
}

impl ErasureText {
    /// Its text.
    pub fn text(&self) -> String {
        // Texts and numbers: nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the text of an erasure entry tells.
    ///
    /// # Errors
    /// When it is none that the hub writes.
    pub fn read(public: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        let told = ErasureText {
            names: vec!["so-y-te/A-1".to_owned()],
            asked_by: AskedBy::Subject,
            reason: "văn bản số 12".to_owned(),
            texts: vec![3, 7],
            messages: vec![2],
            files: 1,
        };
        let text = told.text();
        assert!(text.starts_with(r#"{"names":["so-y-te/A-1"],"asked_by":"subject","#), "{text}");
        assert_eq!(ErasureText::read(text.as_bytes()).unwrap(), told);
        let older = text.replace(",\"files\":1", "");
        assert_eq!(ErasureText::read(older.as_bytes()).unwrap(), ErasureText { files: 0, ..told });
        let more = text.replace('}', ",\"by\":\"x\"}");
        assert!(ErasureText::read(more.as_bytes()).is_err());
    }
}

//! What somebody reads personal data for: a word of a list, and a reason in words beside it.

use std::str::FromStr;

macro_rules! purposes {
    ($($name:ident $text:literal $vi:literal $en:literal;)*) => {
        /// What personal data is read for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Purpose { $(#[doc = $en] $name),* }

        impl Purpose {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// All of their names.
            pub const NAMES: &[&str] = &[$($text),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means, in Vietnamese and in English.
            pub const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($vi, $en)),* }
            }
        }
    };
}

purposes! {
    Handling "handling"
        "Giải quyết hồ sơ" "Handling the dossier";
    Synchronising "synchronising"
        "Đồng bộ hệ thống của cơ quan" "Keeping the agency's own system in step";
    Verification "verification"
        "Xác minh, đối chiếu thông tin" "Verifying what was told";
    Complaint "complaint"
        "Giải quyết phản ánh, khiếu nại, tố cáo" "Answering feedback or a complaint";
    Inspection "inspection"
        "Thanh tra, kiểm tra" "Inspection";
    Correction "correction"
        "Đính chính dữ liệu" "Correcting what is wrong";
    SubjectRequest "subject-request"
        "Theo yêu cầu của chủ thể dữ liệu" "Asked for by the person whose data it is";
    Other "other"
        "Mục đích khác, nêu rõ trong reason" "Another, told in reason";
}

impl FromStr for Purpose {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|one| one.name() == text).ok_or(())
    }
}

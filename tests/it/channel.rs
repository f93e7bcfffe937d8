//! What an agency sees of its own channels.

mod conformance;
mod control;
mod modes;
mod refusals;
mod retranslate;
mod silence;

use serde_json::json;

/// An event of one dossier as the one-stop software sends it.
fn event(code: &str, status: &str, at: &str) -> Vec<u8> {
    json!({ "maHoSo": code, "suKien": "DOI_TRANG_THAI", "trangThai": status, "thoiDiem": at })
        .to_string()
        .into_bytes()
}

const AT: &str = "2024-03-04T08:00:00+07:00";

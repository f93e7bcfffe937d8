//! Where is my dossier, of a hub that has the province's catalogue: by every code that the dossier
//! has, by what the receipt has printed, and with the day on which it is due by law.

use std::fs;

use serde_json::json;

use super::Office;
use crate::{
    backend::{Backend, on_each_store},
    harness::Hub,
};

on_each_store!(whichever_code_and_by_the_receipt_it_is_found_with_the_hubs_own_day,);

const CHANNEL: &str = "ubnd-bien-hoa.hen";
/// What the agency calls it, and the national code, as either of two systems writes that.
const OWN: &str = "HK-2026/17";
const SHORT: &str = "H19.13-260424-0017";
const LONG: &str = "000.00.13.H19-260424-0017";
/// What the receipt has printed for its holder.
const RECEIPT: &str = "7h2k-91qd";

async fn whichever_code_and_by_the_receipt_it_is_found_with_the_hubs_own_day(backend: Backend) {
    let mut folder = backend.folder_of("lookups-shown", &["tests/corpus/deadlines"]);
    let mapping = folder.path().join("agencies/ubnd-bien-hoa/hen.toml");
    let text = fs::read_to_string(&mapping).unwrap();
    let name = "applicant.name = \"nguoiNop\"";
    let more = "receipt_secret = \"maBienNhan\"\ncode = \"maQuocGia | code\"";
    let changed = text.replacen(name, &format!("{name}\n{more}"), 1);
    assert_ne!(changed, text);
    fs::write(&mapping, changed).unwrap();
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let (agency, portal) = (folder.key("agency:ubnd-bien-hoa"), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let office = Office { hub, folder, portal, agency };
    let record = json!({
        "loai": "HO_SO", "ma": OWN, "maQuocGia": LONG, "maBienNhan": "7H2K-91QD",
        "luc": "2026-04-24T09:00:00+07:00", "nhan": "2026-04-24T09:00:00+07:00",
        "hen": "2026-05-20T17:00:00+07:00", "thuTuc": "Đăng ký thành lập hộ kinh doanh",
        "trangThai": "TIEP_NHAN", "nguoiNop": "Lâm Thị Mẫu",
    });
    let sender = office.hub.sender(&office.agency);
    let (status, told) = sender.push(CHANNEL, None, record.to_string().as_bytes()).await.unwrap();
    assert_eq!((status, &told["outcome"]), (200, &json!("stored")), "{told}");

    let told = office.ask(OWN, RECEIPT).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let dossier = &told.body["dossier"];
    // Five working days, over a weekend, a holiday on Monday and two more, whatever was promised.
    assert_eq!(dossier["hub_due_at"], "2026-05-06T02:00:00Z", "{dossier:#}");
    assert_eq!(dossier["due_at"], "2026-05-20T10:00:00Z");
    assert_eq!(dossier["applicant"], "Lâm T** M**");
    assert!(!told.text.to_uppercase().contains("7H2K"), "{}", told.text);
    for code in [SHORT, LONG] {
        assert_eq!(office.ask(code, RECEIPT).await.text, told.text, "{code}");
    }
    // Neither a part of what is printed nor nothing is what is printed.
    for secret in ["91QD", "7H2K-91Q", "7H2K91QD", " "] {
        assert_eq!(office.ask(OWN, secret).await.status, 404, "{secret}");
    }
}

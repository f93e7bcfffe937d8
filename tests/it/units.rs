//! Communes in time: a code counts as the unit that it meant on the dossier's day, and what has
//! become of units since changes no total.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr},
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    a_code_counts_as_the_unit_of_its_day,
    a_catalogue_that_knows_more_moves_no_figure_of_before,
);

/// Code, day of acceptance.
const ACCEPTED: &[(&str, &str)] = &[
    ("26041", "2013-09-02"),
    ("26032", "2013-09-03"),
    ("26041", "2024-12-02"),
    ("26041", "2026-01-05"),
    ("26041", "2026-01-06"),
    ("26449", "2025-06-30"),
    ("25996", "2024-12-03"),
    ("25220", "2024-03-01"),
    ("25220", "2026-01-07"),
];

const ALL: &str = "/v1/statistics?from=2013-01-01&to=2026-06-30&by=commune";

struct Office {
    folder: Folder,
    hub: Hub,
    agency: Sender,
    portal: Sender,
}

impl Office {
    async fn new(folder: Folder) -> Self {
        let keys = [AGENCY, "portal"].map(|who| folder.key(who));
        let hub = Hub::start(&folder).await;
        let [agency, portal] = keys.map(|key| hub.sender(&key));
        Self { folder, hub, agency, portal }
    }

    async fn accepted(&self, number: usize, commune: &str, day: &str) {
        let bytes = json!({
            "maHoSo": format!("DV-{number}"), "suKien": "HOSO_MOI", "trangThai": "THU_LY",
            "thoiDiem": format!("{day}T08:00:00+07:00"),
            "tenThuTuc": "Đăng ký thành lập hộ kinh doanh", "linhVuc": "Đăng ký kinh doanh",
            "nguoiNop": { "hoTen": "Nguyễn Thị Kiểm Thử", "ngaySinh": "12-05-1987",
                          "cmnd": "270999071", "dienThoai": "0900000171",
                          "diaChi": "tổ 31, khu phố 5", "maXa": commune },
            "ngayTiepNhan": format!("{day}T08:00:00+07:00"), "lePhi": 10_000,
        });
        let bytes = bytes.to_string();
        let (status, receipt) = self.agency.push(CHANNEL, None, bytes.as_bytes()).await.unwrap();
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    }

    /// How many were accepted in each commune.
    async fn by_commune(&self, path: &str) -> BTreeMap<String, i64> {
        counted(&self.portal.found(path).await)
    }
}

fn counted(told: &Value) -> BTreeMap<String, i64> {
    let row = |row: &Value| {
        let commune = row["commune"].as_str().unwrap().to_owned();
        Some((commune, row["measures"]["accepted"].as_i64()?))
    };
    told["rows"].as_array().unwrap().iter().filter_map(row).collect()
}

fn numbers(all: &[(&str, i64)]) -> BTreeMap<String, i64> {
    all.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

/// Translation looks units up in the list that is compiled in; numbers take them from the
/// catalogue.
#[test]
fn the_list_compiled_in_is_that_of_the_province() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    assert_eq!(read("mappings/units/units.csv"), read("examples/dong-nai/units.csv"));
}

async fn a_code_counts_as_the_unit_of_its_day(backend: Backend) {
    let mut folder = backend.folder("units-of-their-day");
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let office = Office::new(folder).await;
    for (number, (commune, day)) in ACCEPTED.iter().enumerate() {
        office.accepted(number, commune, day).await;
    }
    let told = office.portal.found(ALL).await;
    let as_was = [
        ("25220", 1),
        ("25220@2025-07-01", 1),
        ("25996", 1),
        ("26032", 1),
        ("26041", 1),
        ("26041@2024-11-01", 1),
        ("26041@2025-07-01", 2),
        ("26449", 1),
    ];
    assert_eq!(counted(&told), numbers(&as_was), "{told:#}");
    let name = |unit: &str| told["units"][unit]["name"].as_str().unwrap().to_owned();
    assert_eq!(name("25220"), "Long Phước");
    assert_eq!(name("25220@2025-07-01"), "Phước Bình");
    assert_eq!(name("26041"), "Quyết Thắng");
    assert_eq!(name("26041@2024-11-01"), "Trung Dũng");
    assert_eq!(name("26041@2025-07-01"), "Trấn Biên");

    // As they stand: two were merged into one, one was divided without shares.
    let today = office.portal.found(&format!("{ALL}&units_on=2026-06-30")).await;
    let as_is = counted(&today);
    assert_eq!(as_is["26041@2025-07-01"], 5, "{today:#}");
    assert_eq!(as_is["unallocated"], 1);
    assert_eq!(as_is.values().sum::<i64>(), ACCEPTED.len() as i64, "the total is the same");
    let between = office.by_commune(&ALL.replace("2026-06-30", "2024-12-31")).await;
    assert_eq!(between["25996"], 1, "Hố Nai went on, though a part of it went over");

    // A code alone is the unit that it means on the last day; with a day behind it, that one.
    let only = |to: &str, commune: &str, also: &str| {
        format!("/v1/statistics?from=2013-01-01&to={to}&by=commune&commune={commune}{also}")
    };
    for (path, expected) in [
        (only("2013-12-31", "26041", ""), numbers(&[("26041", 1)])),
        (only("2026-06-30", "26041", ""), numbers(&[("26041@2025-07-01", 2)])),
        (only("2026-06-30", "26041@2024-11-01", ""), numbers(&[("26041@2024-11-01", 1)])),
        (only("2026-06-30", "26041", "&units_on=2026-06-30"), numbers(&[("26041@2025-07-01", 5)])),
        (only("2026-06-30", "unallocated", "&units_on=2026-06-30"), numbers(&[("unallocated", 1)])),
    ] {
        assert_eq!(office.by_commune(&path).await, expected, "{path}");
    }
    let early = format!("{ALL}&units_on=2026-06-29");
    let (status, told) = office.portal.get(&early).await;
    assert_eq!((status, &told["code"]), (400, &json!("bad-parameter")), "{told:#}");
    office.hub.stop();
    office.folder.verify();
}

async fn a_catalogue_that_knows_more_moves_no_figure_of_before(backend: Backend) {
    let office = Office::new(backend.folder("units-known-later")).await;
    office.accepted(1, "26041", "2013-09-02").await;
    office.accepted(2, "26041", "2026-01-05").await;
    let before = office.portal.found(ALL).await;
    assert_eq!(counted(&before), numbers(&[("26041", 2)]));
    let (status, told) = office.portal.get(&format!("{ALL}&units_on=2026-06-30")).await;
    assert_eq!((status, &told["code"]), (409, &json!("no-catalogue")), "{told:#}");
    office.hub.stop();

    let mut folder = office.folder;
    let catalogue = folder.catalogue();
    folder.publishing(Some(catalogue));
    let hub = Hub::start(&folder).await;
    let portal = office.portal.at(&hub.url);
    let now = portal.found(ALL).await;
    assert_eq!(counted(&now), numbers(&[("26041", 1), ("26041@2025-07-01", 1)]), "{now:#}");
    let then = portal.found(&format!("{ALL}&as_of={}", before["as_of"])).await;
    assert_eq!(counted(&then), counted(&before), "what was told before stays as it was told");
    hub.stop();
    folder.verify();
    let rebuilt = folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    folder.verify();
}

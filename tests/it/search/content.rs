//! What a citizen must know of a procedure before going there: what to hand in, what to pay, how it
//! goes.

use std::fs;

use serde_json::json;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub},
    lienthong::stderr,
};

on_each_store!(a_procedure_is_told_with_what_to_hand_in_and_what_to_pay);

const OF: &str = "so-y-te,Cấp mẫu,,province,10,working_days,nd42:full,";

/// A catalogue whose files have all columns, two versions of a procedure at one agency, and the
/// same code at another.
fn office(folder: &mut Folder) -> std::path::PathBuf {
    let catalogue = folder.catalogue();
    let file = catalogue.join("procedures.csv");
    let known = fs::read_to_string(&file).unwrap();
    let (head, rest) = known.split_once('\n').unwrap();
    let widened: String = rest.lines().map(|line| format!("{line},,,,,,,\n")).collect();
    let own = format!(
        "1.900001,000.00.00.H19,XD-1,{OF},,2015-01-01,2024-12-31,,,,,,,\n\
         1.900001,000.00.00.H19,XD-1,{OF}50000,Luật 1;NĐ 2,2025-01-01,,2025-06-30,2,\
         online;counter,Nộp;Thẩm định;Trả,Cá nhân;Tổ chức,Đủ 18 tuổi,Giấy phép\n\
         1.900001,000.00.00.H19,,so-xay-dung,Cấp nơi khác,,province,,,,,,,,,,,,,,\n"
    );
    let columns = "reviewed_at,sets,ways,steps,applicants,conditions,results";
    fs::write(&file, format!("{head},{columns}\n{widened}{own}")).unwrap();
    let components = "procedure,agency,version,name,originals,copies,form,form_url,when,note\n\
        1.900001,so-y-te,2025-01-01,Đơn đề nghị,1,0,Mẫu 01,https://dvc.vn/01.docx,,\n\
        XD-1,,,Bản vẽ,,2,,,Công trình cấp I,Có dấu\n\
        1.900001,so-xay-dung,,Tờ khai,1,,,,,\n";
    fs::write(catalogue.join("components.csv"), components).unwrap();
    let fees = "procedure,version,name,amount,kind,way,note\n\
        1.900001,2025-01-01,Lệ phí,50000,le_phi,counter,Miễn cho hộ nghèo\n";
    fs::write(catalogue.join("fees.csv"), fees).unwrap();
    folder.publishing(Some(catalogue.clone()));
    catalogue
}

async fn a_procedure_is_told_with_what_to_hand_in_and_what_to_pay(backend: Backend) {
    let mut folder = backend.folder("search-content");
    office(&mut folder);
    let key = folder.key("portal");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&key);
    let told = portal.found("/v1/procedures/1.900001?on=2026-06-01").await;
    let now = &told["versions"][0]["procedure"];
    assert_eq!(
        now["components"],
        json!([
            { "name": "Đơn đề nghị", "originals": 1, "copies": 0, "form": "Mẫu 01",
              "form_url": "https://dvc.vn/01.docx" },
            { "name": "Bản vẽ", "copies": 2, "when": "Công trình cấp I", "note": "Có dấu" },
        ])
    );
    assert_eq!(
        now["fees"],
        json!([{ "name": "Lệ phí", "amount": 50_000, "kind": "le_phi", "way": "counter",
                 "note": "Miễn cho hộ nghèo" }])
    );
    assert_eq!((&now["fee"], &now["sets"]), (&json!(50_000), &json!(2)));
    assert_eq!(
        (&now["ways"], &now["reviewed_at"]),
        (&json!(["online", "counter"]), &json!("2025-06-30"))
    );
    assert_eq!(now["steps"], json!(["Nộp", "Thẩm định", "Trả"]));
    assert_eq!(now["legal_basis"], json!(["Luật 1", "NĐ 2"]));
    assert_eq!(
        (&now["applicants"], &now["conditions"], &now["results"]),
        (&json!(["Cá nhân", "Tổ chức"]), &json!(["Đủ 18 tuổi"]), &json!(["Giấy phép"]))
    );
    let of = |at: usize| {
        let all = told["versions"][at]["procedure"]["components"].as_array().unwrap();
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of(1), ["Tờ khai"], "another agency's");
    assert_eq!(of(2), ["Bản vẽ"], "an older version has what all have");
    hub.stop();
    folder.verify();
}

#[test]
fn what_belongs_to_no_procedure_or_is_none_is_told_with_its_place() {
    let mut folder = Folder::new("search-content-faulty");
    let catalogue = office(&mut folder);
    let sound = folder.run(&["check"]);
    assert!(sound.status.success(), "{}", stderr(&sound));
    for (file, row, place) in [
        ("components.csv", "1.999999,,,Đơn,,,,,,", ":5:1: row 4 is of no procedure"),
        ("components.csv", "1.900001,,2020-01-01,Đơn,,,,,,", ":5:1: row 4 is of no procedure"),
        ("components.csv", "1.900001,,,,1,,,,,", ":5:12: name"),
        ("components.csv", "1.900001,,,Đơn,nhiều,,,,,", ":5:16: `nhiều` is no whole number"),
        ("components.csv", "1.900001,,,Đơn,,,,http://dvc.vn/1,,", ":5:19: form_url"),
        ("fees.csv", "1.900001,,Phí,,,,", ":3:15: amount"),
        ("fees.csv", "1.900001,,Phí,5,tax,,", ":3:17: kind"),
    ] {
        let known = fs::read_to_string(catalogue.join(file)).unwrap();
        fs::write(catalogue.join(file), format!("{known}{row}\n")).unwrap();
        let output = folder.run(&["check"]);
        assert_eq!(output.status.code(), Some(1), "{row}");
        let told = stderr(&output);
        assert!(told.contains(&format!("{file}{place}")), "{row}: {told}");
        fs::write(catalogue.join(file), known).unwrap();
    }
}

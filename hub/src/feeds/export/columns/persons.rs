//! The columns of personal members of records, for whoever says what for.

use super::{Column, listed};

/// All of them. What there are several of is in the lines of JSON, and so is the secret of a
/// receipt, which tables have no use for.
static PERSONS: &[Column] = listed! {
    "personal" Text Persons "Phần cá nhân" "What became of personal members";
    "applicant_name" Text Member("applicant.name") "Người nộp" "Applicant";
    "applicant_type" Text Member("applicant.kind") "Loại người nộp" "Kind of applicant";
    "applicant_gender" Text Member("applicant.gender") "Giới tính" "Gender";
    "applicant_birth_date" Text Member("applicant.birth_date")
        "Ngày sinh (có thể chỉ có năm)" "Date of birth, maybe the year alone";
    "applicant_id_type" Text Member("applicant.id_type") "Loại giấy tờ" "Kind of identity paper";
    "applicant_id_number" Text Member("applicant.id_number")
        "Số giấy tờ" "Number of the identity paper";
    "applicant_phone" Text Member("applicant.phone") "Điện thoại người nộp" "Applicant's telephone";
    "applicant_email" Text Member("applicant.email") "Thư điện tử người nộp" "Applicant's e-mail";
    "applicant_address" Text Member("applicant.address") "Địa chỉ" "Address";
    "applicant_commune" Text Member("applicant.commune")
        "Mã xã của địa chỉ" "Commune of the address";
    "applicant_district" Text Member("applicant.district")
        "Mã huyện của địa chỉ" "District of the address";
    "subject" Text Member("subject") "Trích yếu" "What it is about";
    "text" Text Member("text") "Nội dung" "Text";
    "sender_name" Text Member("name") "Người gửi phản ánh" "Who gave feedback";
    "sender_phone" Text Member("phone") "Điện thoại người gửi" "Telephone of who gave it";
    "sender_email" Text Member("email") "Thư điện tử người gửi" "E-mail of who gave it";
    "officer" Text Member("officer") "Cán bộ" "Officer";
    "note" Text Member("note") "Ghi chú" "Note";
    "reason" Text Member("reason") "Lý do rút lại" "Why it was taken back";
};

/// Which of them each contract has besides the first and the last, in this order.
static OF: &[(&str, &str)] = &[
    (
        "dossier/1",
        "applicant_name applicant_type applicant_gender applicant_birth_date applicant_id_type \
         applicant_id_number applicant_phone applicant_email applicant_address \
         applicant_commune applicant_district subject officer note",
    ),
    ("progress/1", "officer note"),
    ("feedback/1", "text sender_name sender_phone sender_email"),
    ("feedback-answer/1", "text officer"),
    ("milestone/1", "text"),
    ("claimed-statistic/1", "note"),
    ("request/1", "subject text"),
    ("reply/1", "text officer"),
    (
        "application/1",
        "applicant_name applicant_type applicant_gender applicant_birth_date applicant_id_type \
         applicant_id_number applicant_phone applicant_email applicant_address \
         applicant_commune applicant_district subject",
    ),
    ("acknowledgement/1", "text"),
];

/// Those of a contract, or all of them.
pub(super) fn of(contract: Option<&str>) -> Vec<&'static Column> {
    let Some(contract) = contract else { return PERSONS.iter().collect() };
    let listed = OF.iter().find(|(id, _)| *id == contract).map_or("", |(_, names)| names);
    let names = ["personal"].into_iter().chain(listed.split_ascii_whitespace()).chain(["reason"]);
    names.filter_map(|name| PERSONS.iter().find(|column| column.name == name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use contracts::{Contracts, schema::MemberType};

    use super::{super::Origin, PERSONS, of};
    use crate::feeds::{
        Feed,
        export::{columns, contracts as asked_for},
    };

    /// Told in the lines of JSON alone: not for tables.
    const SECRET: &str = "receipt_secret";

    #[test]
    fn every_personal_member_has_its_column_where_its_contract_does_and_no_other() {
        let contracts = Contracts::builtin().unwrap();
        for contract in contracts.iter() {
            let id = contract.id().to_string();
            if !asked_for().any(|one| one == id) {
                continue;
            }
            let single = |types: &[MemberType]| {
                !types.iter().any(|one| matches!(one, MemberType::Array | MemberType::Object))
            };
            let whole = |path: &str| path.starts_with("applicant.");
            let mut wanted: Vec<String> = contract
                .members()
                .iter()
                .filter(|member| member.personal || whole(&member.path))
                .filter(|member| single(&member.types) && !member.path.contains("[]"))
                .filter(|member| member.path != SECRET)
                .map(|member| member.path.clone())
                .chain(["reason".to_owned()])
                .collect();
            let shown = of(Some(&id));
            let mut told: Vec<String> = shown
                .iter()
                .filter_map(|column| match column.from {
                    Origin::Member(path) => Some(path.to_owned()),
                    _ => None,
                })
                .collect();
            wanted.sort();
            told.sort();
            assert_eq!(told, wanted, "{id}");
            assert_eq!(shown[0].name, "personal");
            unlike(&id);
        }
        assert_eq!(of(None).len(), PERSONS.len());
    }

    /// No column of persons is called what a public one is.
    fn unlike(id: &str) {
        for contract in [Some(id), None] {
            let all = [columns(Feed::Records, contract), of(contract)].concat();
            let names: HashSet<_> = all.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), all.len(), "{contract:?}");
        }
    }
}

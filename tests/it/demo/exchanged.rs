//! What the demo tells of a request between agencies and of an application.

/// One agency was asked and replied, one did not in time; an application reached its agency, whose
/// code for it came back and is found.
pub(super) fn answered(printed: &str) {
    let lines: Vec<Vec<&str>> =
        printed.lines().map(|line| line.split_whitespace().collect()).collect();
    let state = |id: &str, agency: &str| {
        let line = lines.iter().find(|words| words.starts_with(&[id, agency]));
        line.unwrap_or_else(|| panic!("{id} {agency} in {printed}"))[2]
    };
    assert_eq!(state("so-y-te:demo-1", "so-nong-nghiep-ptnt"), "answered");
    assert_eq!(state("so-y-te:demo-1", "ban-quan-ly-kcn"), "timed_out");
    assert_eq!(state("portal:demo-1", "so-y-te"), "answered");
    let code = lines.iter().flatten().find(|word| word.starts_with("YT-TT-")).unwrap();
    let (_, found) = printed.split_once(&format!("GET /v1/dossiers/{code}")).unwrap();
    for words in ["status_raw      \"TIEP_NHAN\"", "accepted_at"] {
        assert!(found.contains(words), "{words} in {found}");
    }
    for words in ["Yêu cầu giữa các cơ quan", "Hồ sơ nộp trực tuyến", "còn hiệu lực"]
    {
        assert!(printed.contains(words), "{words} in {printed}");
    }
}

/// The page of requests tells what was answered, what was not, and under which code an application
/// is known; and nothing of anybody.
pub(super) fn exchanged(page: &str) {
    let row = |id: &str, agency: &str| {
        let rows = page.split("<tr>").filter(|row| row.contains(&format!("<code>{id}</code>")));
        let mut rows = rows.filter(|row| row.contains(&format!("<code>{agency}</code>")));
        rows.next().unwrap_or_else(|| panic!("{id} {agency} in {page}")).to_owned()
    };
    assert!(row("so-y-te:demo-1", "so-nong-nghiep-ptnt").contains("Đã có trả lời."));
    assert!(row("so-y-te:demo-1", "ban-quan-ly-kcn").contains("Quá hạn mà chưa có trả lời."));
    let filed = row("portal:demo-1", "so-y-te");
    assert!(filed.contains("YT-TT-") && filed.contains("1.013855"), "{filed}");
    for personal in ["Nguyễn Thị Mẫu", "0613000199", "Xác minh", "còn hiệu lực"] {
        assert!(!page.contains(personal), "{personal}");
    }
}

use crate::infer::{Proposal, infer};

fn understood(text: &str, table: Option<&str>) -> Proposal {
    infer(text.as_bytes(), "so-y-te", table).unwrap()
}

fn rows(found: &Proposal) -> Vec<String> {
    let text = String::from_utf8(found.payload.clone().unwrap()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "no {line}\n---\n{text}");
    }
}

#[test]
fn a_dump_in_vni_becomes_the_rows_that_the_hub_reads_of_it() {
    let sample = include_bytes!("../../../../tests/corpus/samples/ho_so.dump");
    let found = infer(sample, "so-lao-dong", None).unwrap();
    let by_hand = include_str!("../../../agencies/so-lao-dong-tbxh/fixtures/ho-so/rows.in.jsonl");
    let parsed = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let (ours, theirs) = (rows(&found), by_hand.lines().map(parsed));
    assert_eq!(ours.iter().map(|row| parsed(row)).collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
    has(
        &found.mapping,
        &[
            "format = \"rows\"",
            "charset = \"utf-8\"",
            "source_code = \"id | code\"",
            "procedure_source_code = \"ma_loai | code\"",
            "procedure_name = \"ten_loai | charset vni\"",
            "field = \"linh_vuc | charset vni\"",
            "accepted_at = \"ngay_nhan | date yyyy-MM-ddTHH:mm:ss\"",
            "due_at = \"ngay_hen | date yyyy-MM-dd\"",
            "status = \"tinh_trang | table status\"",
            "\"fees[0].amount\" = \"le_phi | integer 1000\"",
            "commune = \"ma_xa | code | commune\"",
            "note = \"ghi_chu | charset vni\"",
            "name = \"nguoi_nop | charset vni | name\"",
            "address = \"dia_chi | charset vni\"",
            "id_number = \"cmnd | digits\"",
        ],
    );
    has(
        &found.transport.unwrap(),
        &[
            "transport = \"database\"",
            "[channels.ho-so.database]",
            "secret = \"so-lao-dong-csdl\"",
            "query = \"SELECT h.*, l1.ten_loai, l1.linh_vuc FROM ho_so h LEFT JOIN loai_ho_so l1 \
             ON l1.ma_loai = h.ma_loai\"",
            "key = [\"id\"]",
            "every_seconds = 3600",
        ],
    );
    assert_eq!((found.records, found.extension), (4, "jsonl"));
}

const MYSQL: &str = "/*!40101 SET NAMES utf8 */;\n\
    CREATE TABLE `nhat_ky` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `noi_dung` text,\n\
    PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8;\n\
    INSERT INTO `nhat_ky` VALUES (1,'a'),(2,'b;\\'c'),(3,NULL),(4,'d'),(5,'e');\n\
    CREATE TABLE `hoSo` (\n  `soHoSo` varchar(20) NOT NULL,\n  `hoTen` varchar(100) DEFAULT NULL,\n\
    `ngayNhan` datetime DEFAULT NULL,\n  `trangThai` varchar(40),\n  `nhanh` bit(1),\n\
    `phi` decimal(12,2),\n  `ngayCapNhat` datetime NOT NULL,\n  PRIMARY KEY (`soHoSo`)\n);\n\
    INSERT INTO `hoSo` VALUES ('YT1','Lâm Thị \\\"Mẫu\\\"','2024-03-04 08:00:00','Đã trả kết quả',\
    1,1.50,'2024-03-09 08:00:00.000'),('YT2','O''Thử','2024-03-05 09:00:00','Chờ bổ sung',0,-2,\
    '2024-03-06 10:00:00');\n";

#[test]
fn the_table_that_looks_like_dossiers_is_taken_or_the_one_named() {
    let found = understood(MYSQL, None);
    assert_eq!(
        rows(&found),
        [
            concat!(
                r#"{"soHoSo":"YT1","hoTen":"Lâm Thị \"Mẫu\"","ngayNhan":"2024-03-04T08:00:00","#,
                r#""trangThai":"Đã trả kết quả","nhanh":true,"phi":1.50,"#,
                r#""ngayCapNhat":"2024-03-09T08:00:00"}"#
            ),
            concat!(
                r#"{"soHoSo":"YT2","hoTen":"O'Thử","ngayNhan":"2024-03-05T09:00:00","#,
                r#""trangThai":"Chờ bổ sung","nhanh":false,"phi":-2,"#,
                r#""ngayCapNhat":"2024-03-06T10:00:00"}"#
            ),
        ]
    );
    has(
        &found.transport.clone().unwrap(),
        &["query = \"SELECT * FROM hoSo\"", "key = [\"soHoSo\"]", "watermark = \"ngayCapNhat\""],
    );
    has(&found.mapping, &["source_code = \"soHoSo | code\"", "status_at = \"ngayCapNhat | date"]);
    assert_eq!(found.tables["status"], "native,canonical\nChờ bổ sung,5\nĐã trả kết quả,10\n");
    assert!(found.questions.iter().any(|[vi, _]| vi.contains("`nhat_ky` (5)")));
    let named = understood(MYSQL, Some("NHAT_KY"));
    has(&named.transport.clone().unwrap(), &["FROM nhat_ky", "key = [\"id\"]"]);
    assert_eq!(rows(&named)[1], r#"{"id":2,"noi_dung":"b;'c"}"#);
    let [vi, en] = infer(MYSQL.as_bytes(), "so-y-te", Some("khac")).unwrap_err().0;
    assert!(vi.contains("`khac`") && en.contains("`hoSo`, `nhat_ky`"), "{vi} {en}");
}

#[test]
fn scripts_of_sql_server_and_postgresql_with_constraints_are_read() {
    let text = "SET IDENTITY_INSERT [dbo].[HoSo] ON\nGO\n\
        INSERT [dbo].[HoSo] ([MaHoSo], [HoTen], [NgayNhan], [TinhTrang]) VALUES (N'YT1', \
        N'Lê Thử', CAST(N'2024-03-04T08:00:00.000' AS DateTime), N'Đã xong')\nGO\n\
        INSERT [dbo].[HoSo] ([MaHoSo], [HoTen], [NgayNhan], [TinhTrang]) VALUES (N'YT2', NULL, \
        CAST(N'2024-03-05T08:00:00.000' AS DateTime), N'Đã xong')\nGO\n";
    let bytes: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let found = infer(&bytes, "so-y-te", None).unwrap();
    assert_eq!(
        rows(&found)[0],
        concat!(
            r#"{"MaHoSo":"YT1","HoTen":"Lê Thử","NgayNhan":"2024-03-04T08:00:00","#,
            r#""TinhTrang":"Đã xong"}"#
        )
    );
    has(&found.transport.unwrap(), &["SELECT * FROM HoSo", "key = [\"MaHoSo\"]"]);
    let text = "CREATE TABLE mot_cua.\"Ho So\" (\n    so_hs text,\n    ngay_nhan date,\n\
        tt text,\n    trang_thai text,\n    ngay_sua date\n);\n\
        CREATE FUNCTION f() RETURNS void AS $x$ it's; $x$ LANGUAGE sql;\n\
        COPY mot_cua.\"Ho So\" (so_hs, ngay_nhan, trang_thai, ngay_sua) FROM stdin;\n\
        A\\t1\t2024-03-04\tĐã xong\t2024-03-05\nA2\t2024-03-04\t\\N\t2024-03-05\n\\.\n\n\
        ALTER TABLE ONLY mot_cua.\"Ho So\"\n    ADD CONSTRAINT pk PRIMARY KEY \
        (so_hs, ngay_nhan);\n";
    let found = understood(text, Some("ho so"));
    assert!(rows(&found)[0].starts_with(r#"{"so_hs":"A\t1","ngay_nhan":"2024-03-04","tt":null"#));
    has(
        &found.transport.unwrap(),
        &[
            r#"query = "SELECT * FROM mot_cua.\"Ho So\"""#,
            "key = [\"so_hs\", \"ngay_nhan\"]",
            "watermark = \"ngay_sua\"",
            "overlap = 86400",
        ],
    );
}

#[test]
fn json_rows_are_of_a_database_where_a_table_is_named() {
    let text = include_str!("../../../agencies/so-lao-dong-tbxh/fixtures/ho-so/rows.in.jsonl");
    let found = understood(text, Some("ho_so"));
    has(&found.mapping, &["format = \"rows\"", "\"ten_loai\"", "name = \"nguoi_nop | charset vni"]);
    has(&found.transport.clone().unwrap(), &["SELECT * FROM ho_so", "key = [\"id\"]"]);
    assert!(understood(text, None).transport.is_none());
    let nested = infer(br#"[{"a":{"b":1}}]"#, "so-y-te", Some("t")).unwrap_err();
    assert!(nested.0[1].contains("one value each"), "{nested}");
    let csv = infer(b"a;b\n1;2\n", "so-y-te", Some("t")).unwrap_err();
    assert!(csv.0[1].contains("SQL dump"), "{csv}");
}

#[test]
fn hostile_dumps_are_refused_in_words() {
    let begun = "INSERT INTO ho_so (ma, ten) VALUES (";
    let many = "1,".repeat(1_000_000);
    for (text, words) in [
        (format!("{begun}1, 'a);\n"), "line 1, column 40: the quote"),
        (format!("{begun}1, 'it''s ''''nested''''''"), "never closed"),
        (format!("{begun}1, 2;\n"), "row begun here never ends"),
        (format!("{begun}1, 2"), "row begun here never ends"),
        (format!("{begun}{many}1);"), "more than 1000 columns"),
        (format!("INSERT INTO t ({many}a) VALUES (1);"), "columns"),
        (format!("COPY t (a) FROM stdin;\n{}\n\\.\n", "1\t".repeat(1_000_000)), "1000 columns"),
        (format!("CREATE TABLE t ({}a int);", "a int,".repeat(100_000)), "1000 columns"),
        ("CREATE TABLE t (a int);\n".to_owned(), "no rows"),
        ("/* INSERT INTO t\nINSERT INTO t VALUES (1);".to_owned(), "never closed"),
        (format!("INSERT INTO t VALUES ({}", "(".repeat(1_000_000)), "never ends"),
        ("INSERT INTO t SELECT * FROM u;\n".to_owned(), "no rows"),
    ] {
        let error = infer(text.as_bytes(), "so-y-te", None).unwrap_err();
        assert!(error.0[1].contains(words), "{}: {error}", &text[..text.len().min(60)]);
    }
    // Rows that lack columns are left out and told.
    let found = understood("INSERT INTO t VALUES (1,'a'),(2),(3,'c');\n", None);
    assert_eq!(rows(&found).len(), 2);
    assert!(found.questions.iter().any(|[_, en]| en.starts_with("1 rows of `t`")));
    let _ = infer(b"INSERT INTO t VALUES ('\0','\xff\xfe');", "so-y-te", None);
}

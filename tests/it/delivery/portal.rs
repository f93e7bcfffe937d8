//! The national portal as its clients meet it: a fake that answers, fails, lies, forgets sessions
//! and says "đã tồn tại".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    agency::{Agency, Reply, Seen},
    kept, line, send, settled, started,
};
use crate::backend::{Backend, on_each_store};

on_each_store!(records_reach_the_national_portal_whatever_it_does);

const ROUTES: &str = "[[route]]\ncontract = \"dossier/1\"\nto = \"cong-dvcqg.ho-so\"\n\
                      personal = true\n\n[[route]]\ncontract = \"progress/1\"\n\
                      to = \"cong-dvcqg.tien-do\"\npersonal = true\n";

const OK: Reply = Reply::Says(200, "", r#"{"error_code":"00","message":"thành công"}"#);
const KNOWN: Reply = Reply::Says(200, "", r#"{"error_code":1,"message":"Hồ sơ đã tồn tại"}"#);
const ENDED: Reply = Reply::Says(200, "", r#"{"error_code":"-1","message":"Phiên đã hết hạn"}"#);
const LIE: Reply = Reply::Says(200, "", r#"{"error_code":"1","message":"Thiếu TrichYeuHoSo"}"#);

/// What the portal has, and how it has been asked.
#[derive(Default)]
struct Portal {
    dossiers: BTreeMap<String, Value>,
    events: BTreeSet<(String, String)>,
    /// Events of each call that was taken.
    calls: Vec<usize>,
    updates: usize,
    sessions: usize,
    /// Calls with the session that holds.
    used: usize,
    /// Calls that it looked at.
    asked: usize,
}

/// A session is good for so many calls.
const SESSION_CALLS: usize = 7;

impl Portal {
    fn login(&mut self, body: &Value) -> Reply {
        if body != &json!({ "username": "dong-nai", "password": "b1mat" }) {
            return Reply::Says(200, "", r#"{"session":"","error_code":"2"}"#);
        }
        self.sessions += 1;
        self.used = 0;
        match self.sessions % 3 {
            0 => Reply::Says(200, "", r#"{"session":"phien-0","error_code":0}"#),
            1 => Reply::Says(200, "", r#"{"session":"phien-1","error_code":"0"}"#),
            _ => Reply::Says(200, "", r#"{"session":"phien-2"}"#),
        }
    }

    fn call(&mut self, seen: &Seen, body: &Value) -> Reply {
        // The two latest hold, for so many calls.
        let held = [self.sessions, self.sessions.max(1) - 1];
        let held = held.map(|number| json!(format!("phien-{}", number % 3)));
        if self.used >= SESSION_CALLS || !held.contains(&body["session"]) {
            return ENDED;
        }
        self.used += 1;
        assert_eq!((&body["madonvi"], seen.header("dstcode")), (&json!("H19"), ""));
        let data = body["data"].as_array().unwrap();
        // It is away now and then, and takes something without saying so.
        self.asked += 1;
        match self.asked % 11 {
            3 => return Reply::Says(503, "", "<html>Bảo trì</html>"),
            6 => return Reply::Says(200, "", "<html>Lỗi</html>"),
            _ => {}
        }
        if body["service"] == "DongBoHoSoMC" {
            self.dossier(&data[0], body["isUpdating"] == "True")
        } else {
            assert_eq!(body["service"], "CapNhatTienDoHoSoMC");
            self.progress(data)
        }
    }

    fn dossier(&mut self, dossier: &Value, updating: bool) -> Reply {
        let code = dossier["MaHoSo"].as_str().unwrap().to_owned();
        if code == "A-nói-dối" {
            return LIE;
        }
        let known = self.dossiers.contains_key(&code);
        if known != updating {
            return if known { KNOWN } else { LIE };
        }
        self.updates += usize::from(updating);
        self.dossiers.insert(code, dossier.clone());
        // What was taken may be answered by nothing.
        if self.asked % 13 == 4 { Reply::TakesAndDrops } else { OK }
    }

    fn progress(&mut self, data: &[Value]) -> Reply {
        assert!((1..=10).contains(&data.len()), "{} events in a call", data.len());
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        if data.iter().any(|one| text(one, "MaHoSo") == "A-nói-dối") {
            return LIE;
        }
        self.calls.push(data.len());
        let told = data.iter().map(|one| (text(one, "MaHoSo"), text(one, "ThoiDiemXuLy")));
        self.events.extend(told);
        OK
    }
}

fn event(code: &str) -> String {
    let record = json!({
        "ma": code, "luc": "2024-03-05T09:30:00", "trangThai": "DANG_XU_LY",
        "canBo": "Lâm Thị Mẫu", "noiDung": "Chuyển phòng chuyên môn",
    });
    format!("{record}\n")
}

async fn records_reach_the_national_portal_whatever_it_does(backend: Backend) {
    let portal = Arc::new(Mutex::new(Portal::default()));
    let fake = portal.clone();
    let agency = Agency::new(move |seen, _| {
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        let mut portal = fake.lock().unwrap();
        match seen.path.as_str() {
            "/login" => portal.login(&body),
            _ => portal.call(seen, &body),
        }
    })
    .await;
    let mut folder = backend
        .folder_of("delivery-portal", &["tests/corpus/delivery", "examples/national-portal"]);
    std::fs::write(folder.path().join("routes.toml"), ROUTES).unwrap();
    let endpoint = format!(
        "url = \"{0}/service\"\nlogin_url = \"{0}/login\"\nauth = \"session\"\n\
         user = \"dong-nai\"\nsecret = \"cong\"\nprivate = [\"127.0.0.1\"]\n",
        agency.url
    );
    kept(&folder, "cong = \"b1mat\"\n");
    folder.configured_with(format!(
        "routes = \"routes.toml\"\nsecrets = \"secrets.toml\"\n\
         [endpoints.\"cong-dvcqg.ho-so\"]\n{endpoint}[endpoints.\"cong-dvcqg.tien-do\"]\n{endpoint}"
    ));
    let (hub, sender, operator) = started(&folder).await;
    const DOSSIERS: usize = 24;
    let mut lines: String = (0..DOSSIERS).map(|n| line(&format!("A-{n}"), 1, "MOI")).collect();
    lines.push_str(&line("A-nói-dối", 1, "MOI"));
    send(&sender, "m-1", &lines).await;
    send(&sender, "m-2", &line("A-0", 2, "XONG")).await;
    let mut lines: String = (0..DOSSIERS).map(|n| event(&format!("A-{n}"))).collect();
    lines.push_str(&event("A-nói-dối"));
    let (status, told) =
        sender.push("so-gui.tien-do", Some("t-1"), lines.as_bytes()).await.unwrap();
    assert_eq!(status, 200, "{told}");
    settled(&operator, "cong-dvcqg.ho-so").await;
    settled(&operator, "cong-dvcqg.tien-do").await;
    {
        let portal = portal.lock().unwrap();
        assert_eq!(portal.dossiers.len(), DOSSIERS);
        let one = &portal.dossiers["A-0"];
        for (member, expected) in [
            ("TrangThaiHoSo", json!("9")),
            ("KenhThucHien", json!(1)),
            ("LoaiDoiTuong", json!(1)),
            ("ChuHoSo", json!("Lâm Thị Mẫu")),
            ("NgayTiepNhan", json!("20240304000000")),
            ("DonViXuLy", json!("so-gui")),
        ] {
            assert_eq!(one[member], expected, "{member} {one}");
        }
        assert!(portal.updates > 0 && portal.sessions > 3, "it was told anew, and logged in to");
        assert_eq!(portal.events.len(), DOSSIERS);
        assert!(portal.calls.iter().any(|events| *events > 1), "{:?}", portal.calls);
    }
    let dead = operator.found("/v1/dead").await;
    let letters = dead["dead"].as_array().unwrap();
    assert_eq!(letters.len(), 2, "{dead}");
    for letter in letters {
        assert_eq!(
            (&letter["key"], &letter["cause"]),
            (&json!("so-gui/A-nói-dối"), &json!("refused"))
        );
        assert!(letter["told"].as_str().unwrap().contains("thiếu trichyeuhoso"), "{letter}");
    }
    hub.stop();
    let log = folder.log();
    assert!(!log.contains("b1mat") && !log.contains("Lâm") && !log.contains("phien-"), "{log}");
}

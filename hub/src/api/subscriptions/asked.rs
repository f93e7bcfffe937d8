//! What is asked of subscriptions, read member by member: every fault is told, with the rule that
//! it breaks, what stood there and how to mend it.

use adapters::outbound::client::{ADDRESS_BYTES_MAX, Unfit};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{
    Api, Principal,
    answer::{Reading, Stop, nothing},
    feeds,
};
use crate::{
    feeds::{Feed, Place},
    operations::{NewSubscription, OVERLAP_SECONDS_MAX, Scheme, Since},
};
use axum::http::HeaderMap;
use contracts::ContractId;

/// Characters of a value that an answer repeats, at most.
const SHOWN_CHARS_MAX: usize = 120;

/// Characters of a dossier's code, at most.
const CODE_CHARS_MAX: usize = 200;

/// How long a secret signs beside the one that takes its place, where nobody says: a day.
const OVERLAP_SECONDS: u64 = 86_400;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// The member; empty where it is the whole.
    pub(super) member: &'static str,
    /// The rule that it breaks: a stable word.
    rule: &'static str,
    /// What stood there.
    value: String,
    /// How to mend it.
    advice: String,
    /// The same in English.
    advice_en: String,
}

fn fault(member: &'static str, rule: &'static str, value: &str, vi: &str, en: &str) -> Fault {
    Fault {
        member,
        rule,
        value: value.chars().take(SHOWN_CHARS_MAX).collect(),
        advice: vi.to_owned(),
        advice_en: en.to_owned(),
    }
}

/// The fault of a place that lies ahead of where sending is.
pub(super) fn ahead() -> Fault {
    let vi = "Ghi một thời điểm hoặc con trỏ trước chỗ đang gửi: gửi lại, không bỏ qua.";
    let en = "Write a time or a cursor before where sending is: it is sent again, not skipped.";
    fault("since", "ahead", "", vi, en)
}

/// The fault of a body that is too large, or came by half.
pub(super) fn too_large(bytes_max: usize) -> Fault {
    let vi = format!("Gửi trọn vẹn một đối tượng JSON, tối đa {bytes_max} byte.");
    let en = format!("Send a whole JSON object of at most {bytes_max} bytes.");
    fault("", "length", "", &vi, &en)
}

/// What is wrong with an address, and how to mend that.
fn unfit(url: &str, why: Unfit) -> Fault {
    let bytes = format!("{ADDRESS_BYTES_MAX} byte");
    let (vi_long, en_long) = (format!("Ghi tối đa {bytes}."), format!("Write at most {bytes}s."));
    let (rule, vi, en) = match why {
        Unfit::NoAddress => (
            "address",
            "Ghi địa chỉ đầy đủ, như https://nhan.example.vn/su-kien.",
            "Write a whole address, such as https://receiver.example.vn/events.",
        ),
        Unfit::TooLong => ("length", &*vi_long, &*en_long),
        Unfit::Scheme => ("scheme", "Dùng https://.", "Use https://."),
        Unfit::Credentials => (
            "credentials",
            "Bỏ tên và mật khẩu khỏi địa chỉ; bên nhận kiểm tra chữ ký.",
            "Leave user and password out of the address; the receiver checks the signature.",
        ),
        Unfit::Fragment => ("fragment", "Bỏ phần sau dấu #.", "Leave out what follows #."),
        Unfit::Port => (
            "port",
            "Dùng cổng 80, 443 hoặc từ 1024 trở lên.",
            "Use port 80, 443 or one from 1024 on.",
        ),
        Unfit::Private => (
            "private-network",
            "Dùng địa chỉ công khai, hoặc đề nghị người vận hành ghi mạng đó vào private_networks.",
            "Use a public address, or ask the operator to name its network in private_networks.",
        ),
        Unfit::Unknown => (
            "name",
            "Tên máy chủ không tra được; kiểm tra tên rồi gọi lại.",
            "The host's name has no address now; check it, and call again.",
        ),
        Unfit::Clear => (
            "https",
            "Dùng https://: http chỉ dùng trong mạng nội bộ.",
            "Use https://: http is for private networks alone.",
        ),
    };
    fault("url", rule, url, vi, en)
}

/// What is asked, and what is wrong with it.
pub(super) struct Asked {
    members: Map<String, Value>,
    pub(super) faults: Vec<Fault>,
}

impl Asked {
    /// Reads a body, in which `known` members may stand; an empty one has none.
    ///
    /// # Errors
    /// The fault of what is no object of such members.
    pub(super) fn read(body: &[u8], known: &[&'static str]) -> Result<Self, Fault> {
        let members = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => members,
            _ if body.trim_ascii().is_empty() => Map::new(),
            _ => {
                let (vi, en) = ("Gửi một đối tượng JSON.", "Send a JSON object.");
                return Err(fault("", "json", "", vi, en));
            }
        };
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            let names = known.join(", ");
            let vi = format!("Thành phần dùng được ở đây: {names}.");
            return Err(fault("", "member", name, &vi, &format!("Members taken here: {names}.")));
        }
        Ok(Self { members, faults: Vec::new() })
    }

    /// A member that is a text, where it stands there. NUL is in no text.
    fn text(&mut self, member: &'static str) -> Option<String> {
        match self.members.get(member) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if !text.contains('\0') => Some(text.clone()),
            Some(other) => {
                let (value, vi, en) = (other.to_string(), "Ghi một chuỗi.", "Write a text.");
                self.faults.push(fault(member, "text", &value, vi, en));
                None
            }
        }
    }

    /// One that must stand there.
    fn wanted(&mut self, member: &'static str) -> Option<String> {
        let faults = self.faults.len();
        let text = self.text(member);
        if text.is_none() && self.faults.len() == faults {
            let (vi, en) = ("Ghi thành phần này.", "Write this member.");
            self.faults.push(fault(member, "required", "", vi, en));
        }
        text
    }

    /// What is subscribed to; nothing where something is wrong with it.
    pub(super) async fn subscription(
        &mut self,
        api: &Api,
        who: &Principal,
    ) -> Result<Option<NewSubscription>, Stop> {
        let feed = self.feed();
        let (agency, contract) = (self.agency(who), self.contract(feed));
        let dossier = self.dossier(feed);
        let scheme = self.scheme();
        let place = match feed {
            Some(feed) => self.after(api, feed).await?,
            None => None,
        };
        let url = self.url(api).await;
        Ok(match (feed, scheme, place, url) {
            (Some(feed), Some(scheme), Some(place), Some(url)) if self.faults.is_empty() => {
                Some(NewSubscription { url, feed, place, agency, contract, dossier, scheme })
            }
            _ => None,
        })
    }

    async fn url(&mut self, api: &Api) -> Option<String> {
        let told = self.wanted("url")?;
        let going = api.operations.webhooks.going();
        // A hub that answers has a way; without one no address is known to be sound.
        let looked = match going {
            Some(going) => going.way.admits(&told).await,
            None => Err(Unfit::Unknown),
        };
        looked.map_err(|why| self.faults.push(unfit(&told, why))).ok()
    }

    fn feed(&mut self) -> Option<Feed> {
        let told = self.wanted("feed")?;
        let feed = Feed::from_name(&told);
        if feed.is_none() {
            let names = Feed::ALL.map(Feed::name).join(", ");
            let (vi, en) = (format!("Ghi một trong: {names}."), format!("Write one of: {names}."));
            self.faults.push(fault("feed", "feed", &told, &vi, &en));
        }
        feed
    }

    fn scheme(&mut self) -> Option<Scheme> {
        let faults = self.faults.len();
        let Some(told) = self.text("signature") else {
            return (self.faults.len() == faults).then_some(Scheme::V1);
        };
        let scheme = Scheme::from_name(&told);
        if scheme.is_none() {
            let vi = "Ghi v1 (HMAC-SHA256) hoặc v1a (Ed25519).";
            let en = "Write v1 (HMAC-SHA256) or v1a (Ed25519).";
            self.faults.push(fault("signature", "signature", &told, vi, en));
        }
        scheme
    }

    fn agency(&mut self, who: &Principal) -> Option<String> {
        let told = self.text("agency")?;
        if let Principal::Agency(own) = who
            && *own != told
        {
            let vi = "Bỏ thành phần agency, hoặc ghi mã cơ quan của khóa.";
            let en = "Leave agency out, or write the key's own agency.";
            self.faults.push(fault("agency", "not-yours", &told, vi, en));
        }
        Some(told)
    }

    fn contract(&mut self, feed: Option<Feed>) -> Option<String> {
        let told = self.text("contract")?;
        if told.parse::<ContractId>().is_err() {
            let vi = "Ghi tên và phiên bản hợp đồng, như dossier/1.";
            let en = "Write a contract's name and version, such as dossier/1.";
            self.faults.push(fault("contract", "contract", &told, vi, en));
        } else if feed.is_some_and(|feed| feed != Feed::Records) {
            let vi = "Bỏ thành phần contract: chỉ luồng records có nhiều hợp đồng.";
            let en = "Leave contract out: only the feed records is of several.";
            self.faults.push(fault("contract", "feed", &told, vi, en));
        }
        Some(told)
    }

    fn dossier(&mut self, feed: Option<Feed>) -> Option<String> {
        let told = self.text("dossier")?.trim().to_owned();
        if !(1..=CODE_CHARS_MAX).contains(&told.chars().count()) {
            let vi = format!("Ghi mã hồ sơ, từ 1 đến {CODE_CHARS_MAX} ký tự.");
            let en = format!("Write a dossier's code, of 1 to {CODE_CHARS_MAX} characters.");
            self.faults.push(fault("dossier", "length", &told, &vi, &en));
        } else if feed.is_some_and(|feed| !feed.is_of_dossiers()) {
            let vi = "Bỏ thành phần dossier: chỉ records, dossiers và notices nói về từng hồ sơ.";
            let en = "Leave dossier out: only records, dossiers and notices are about single ones.";
            self.faults.push(fault("dossier", "feed", &told, vi, en));
        }
        Some(told)
    }

    /// Where sending begins: a cursor, or what comes from now on, or all there is.
    async fn after(&mut self, api: &Api, feed: Feed) -> Result<Option<Place>, Stop> {
        let faults = self.faults.len();
        let told = self.text("after");
        if self.faults.len() > faults {
            return Ok(None);
        }
        let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
        let told = match told.as_deref() {
            None => Some("end"),
            Some("beginning") => None,
            told => told,
        };
        feeds::place(api, &reading, feed, told).await.map(Some)
    }

    /// From where on events are sent again: a time, or a cursor of the feed.
    pub(super) async fn since(&mut self, api: &Api, feed: &str) -> Result<Option<Since>, Stop> {
        let Some(told) = self.wanted("since") else { return Ok(None) };
        if let Ok(at) = told.parse::<Timestamp>() {
            return Ok(Some(Since::Time(at)));
        }
        if told.is_empty() || !told.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let vi = "Ghi một thời điểm như 2026-11-25T01:00:00Z, hoặc một con trỏ của luồng.";
            let en = "Write an instant as 2026-11-25T01:00:00Z, or a cursor of the feed.";
            self.faults.push(fault("since", "place", &told, vi, en));
            return Ok(None);
        }
        let feed = Feed::from_name(feed).ok_or_else(nothing)?;
        let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
        feeds::place(api, &reading, feed, Some(&told)).await.map(|place| Some(Since::Place(place)))
    }

    /// For how many seconds a secret signs beside the one that takes its place.
    pub(super) fn overlap(&mut self) -> Option<u64> {
        let told = match self.members.get("overlap_seconds") {
            None | Some(Value::Null) => return Some(OVERLAP_SECONDS),
            Some(told) => told,
        };
        let seconds = told.as_u64().filter(|seconds| *seconds <= OVERLAP_SECONDS_MAX);
        if seconds.is_none() {
            let vi = format!("Ghi số giây từ 0 đến {OVERLAP_SECONDS_MAX} (7 ngày).");
            let en = format!("Write a number of seconds from 0 to {OVERLAP_SECONDS_MAX} (7 days).");
            self.faults.push(fault("overlap_seconds", "seconds", &told.to_string(), &vi, &en));
        }
        seconds
    }

    /// The id of an event.
    pub(super) fn event(&mut self) -> Option<String> {
        self.wanted("event")
    }
}

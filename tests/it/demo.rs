//! The demo as a leader sees it: every agency, every way in, mistakes, and counts that agree.

mod advice;
mod exchanged;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::Value;

use crate::{
    harness::{free_port, seed},
    lienthong::{binary, root, stderr, stdout},
};

/// Agencies there are, their channels, and how many of those are played on.
const AGENCIES: usize = 15;
const CHANNELS: usize = 19;
const PLAYED: u64 = 12;
/// Channels by which agencies only answer: no samples are played on them.
const ANSWERING: usize = 2;
/// What an agency knows of a message that the hub reads by itself.
const OFFERED: &str = "offered";
/// Messages of each agency.
const MESSAGES: u64 = 200;
/// How long they may take, and the demo to end.
const PLAY_MAX: Duration = Duration::from_secs(180);
const STOP_MAX: Duration = Duration::from_secs(20);

/// What became of a message, as the demo prints it.
#[derive(Debug)]
pub(crate) struct Line {
    channel: String,
    pub(crate) outcome: String,
    pub(crate) id: String,
    /// The code of the mistake that was made on purpose.
    mistake: Option<String>,
}

/// A demo of its own, and the folder that it has for a time.
struct Demo {
    place: PathBuf,
    url: String,
    child: Child,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.place);
        }
    }
}

impl Demo {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let place = env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(binary());
        command.arg("demo").args(["--listen", &address]).args(arguments);
        command.current_dir(root()).env("TMPDIR", &place).stdin(Stdio::null());
        command.stdout(fs::File::create(place.join("out")).unwrap());
        command.stderr(fs::File::create(place.join("err")).unwrap());
        let child = command.spawn().unwrap();
        Self { place, url: format!("http://{address}"), child }
    }

    fn printed(&self) -> String {
        fs::read_to_string(self.place.join("out")).unwrap()
    }

    fn scratch(&self) -> PathBuf {
        self.place.join(format!("lienthong-demo-{}", self.child.id()))
    }

    /// Waits until it has printed something.
    fn until(&mut self, words: &str) -> String {
        let began = Instant::now();
        loop {
            let printed = self.printed();
            if printed.contains(words) {
                return printed;
            }
            let ended = self.child.try_wait().unwrap();
            let told = fs::read_to_string(self.place.join("err")).unwrap();
            assert!(ended.is_none(), "{ended:?}\n{printed}{told}");
            assert!(began.elapsed() < PLAY_MAX, "no `{words}` in\n{printed}{told}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What Ctrl-C does; how it ended.
    fn interrupt(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < STOP_MAX, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A key made on its store as an operator would.
    fn key(&self, principal: &str) -> String {
        let config = self.place.join("hub.toml");
        let store = self.scratch().join("hub.db");
        let agencies = root().join("mappings/agencies").canonicalize().unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\nstore = \"sqlite:{}\"\nagencies = \"{}\"\ndrops = \"{}\"\n",
            store.display(),
            agencies.display(),
            self.scratch().join("drops").display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new(binary());
        command.args(["key", "new", principal, "--config"]).arg(config);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output).trim().to_owned()
    }

    async fn get(&self, path: &str, key: &str) -> Value {
        let began = Instant::now();
        loop {
            let request = Client::new().get(format!("{}{path}", self.url)).bearer_auth(key);
            let response = request.send().await.unwrap();
            // A new key is known within two seconds.
            if response.status() != 401 {
                assert_eq!(response.status(), 200, "{path}");
                return serde_json::from_str(&response.text().await.unwrap()).unwrap();
            }
            assert!(began.elapsed() < STOP_MAX, "the key stays unknown");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The lines about messages.
pub(crate) fn lines(printed: &str) -> Vec<Line> {
    let parts = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let parts = parts.filter(|parts| {
        parts.len() >= 6 && parts[0].len() == 8 && parts[0].matches(':').count() == 2
    });
    parts
        .map(|parts| Line {
            channel: parts[1].to_owned(),
            outcome: parts[2].to_owned(),
            id: parts[5].to_owned(),
            mistake: parts.get(6).map(|code| code.trim_matches(['(', ')']).to_owned()),
        })
        .collect()
}

/// The last table of what became of all: by channel and outcome.
fn tally(printed: &str, channels: usize) -> BTreeMap<String, BTreeMap<String, i64>> {
    let from = printed.rfind("channel    ").unwrap();
    let rows = printed[from..].lines().skip(1).take(channels);
    rows.map(|row| {
        let (channel, rest) = row.split_once(' ').unwrap();
        let words = rest.split_whitespace().filter(|word| !word.starts_with('('));
        let words: Vec<&str> = words.skip(1).collect();
        let outcomes = words.chunks(2).take_while(|pair| pair[1].parse::<u64>().is_err());
        let outcomes = outcomes
            .map(|pair| (pair[1].trim_end_matches(',').to_owned(), pair[0].parse().unwrap()));
        (channel.to_owned(), outcomes.collect())
    })
    .collect()
}

/// A section's table: the first `<code>` of each row, if any, with its numbers; the last row has
/// the totals.
fn table(page: &str, section: &str) -> Vec<(String, Vec<i64>)> {
    let from = page.find(&format!("<h2 id=\"{section}\"")).unwrap();
    let table = &page[from..from + page[from..].find("</table>").unwrap()];
    let rows = table.split("<tr>").filter(|row| row.contains("<td class=\"number\">"));
    rows.map(|row| {
        let name = row.split_once("<code>").map_or("", |(_, code)| code);
        let name = name.split('<').next().unwrap().to_owned();
        let cells = row.split("<td class=\"number\">").skip(1);
        (name, cells.map(|cell| cell.split('<').next().unwrap().parse().unwrap()).collect())
    })
    .collect()
}

#[tokio::test]
async fn all_agencies_flow_mistakes_are_told_with_advice_and_all_counts_agree() {
    let (seed, messages) = (seed(20_261_126).to_string(), MESSAGES.to_string());
    let arguments = ["--pace", "4000", "--seed", &seed, "--messages", &messages];
    let mut demo = Demo::start("demo-flow", &arguments);
    let printed = demo.until("all messages are sent");
    let lines = lines(&printed);
    assert_eq!(lines.len() as u64, PLAYED * MESSAGES);
    for line in &lines {
        let expected: &[&str] = match line.mistake {
            _ if line.outcome == OFFERED => &[OFFERED],
            None => &["stored", "duplicate"],
            Some(_) => &["partial", "refused", "conflict"],
        };
        assert!(expected.contains(&line.outcome.as_str()), "{line:?}");
    }
    let mistakes = BTreeSet::from_iter(lines.iter().filter_map(|line| line.mistake.as_deref()));
    for code in [
        "bad-date",
        "bad-number",
        "id-reused",
        "missing-member",
        "not-the-format",
        "time-in-future",
        "unknown-code",
        "unknown-unit",
        "wrong-charset",
    ] {
        assert!(mistakes.contains(code), "{code} in {mistakes:?}");
    }
    let mut keys: BTreeMap<&str, String> = BTreeMap::new();
    // Files have ids of the hub's own; the others are found under theirs.
    let pushed =
        lines.iter().filter(|line| !line.id.ends_with(".xlsx") && !line.id.ends_with(".TXT"));
    let pushed = pushed.filter(|line| line.outcome != OFFERED);
    for line in pushed.filter(|line| line.mistake.is_some()) {
        let agency = line.channel.split('.').next().unwrap();
        let key = keys.entry(agency).or_insert_with(|| demo.key(&format!("agency:{agency}")));
        let path = format!("/v1/messages/{}?channel={}", line.id, line.channel);
        let traces = demo.get(&path, key).await.to_string();
        assert!(traces.contains(line.mistake.as_deref().unwrap()), "{line:?} {traces}");
        let told: Value = serde_json::from_str(&traces).unwrap();
        advice::with_advice(&told, line);
    }
    let page = Client::new().get(format!("{}/console", demo.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    the_page_agrees(&demo, &page, &tally(&printed, CHANNELS), &demo.key("portal")).await;
    names_all(&page);
    let page = Client::new().get(format!("{}/console/exchange", demo.url)).send().await.unwrap();
    exchanged::exchanged(&page.text().await.unwrap());
    // Files that are answered do not pile up.
    for folder in ["done", "refused"] {
        let folder = demo.scratch().join("drops/so-tai-chinh/ho-so").join(folder);
        assert!(fs::read_dir(&folder).unwrap().count() <= 1, "{}", folder.display());
    }
    let scratch = demo.scratch();
    assert!(scratch.exists());
    assert_eq!(demo.interrupt(), Some(0));
    assert!(!scratch.exists(), "{} is left", scratch.display());
}

/// The page shows every way in and out.
fn names_all(page: &str) {
    for words in [
        "Gửi qua HTTP",
        "push",
        "Thả tệp vào thư mục",
        "file drop",
        "Gọi dịch vụ web",
        "Như gửi lên LGSP",
        "class=\"advice\"",
        "Sở Xây dựng",
        "Sở Tài chính",
        "Hệ thống đọc API",
        "Hệ thống đọc cơ sở dữ liệu",
        "so-thong-tin-truyen-thong.ket-qua",
        "ban-quan-ly-kcn.doanh-nghiep",
        "đã gửi lại",
        "Ủy ban nhân dân thành phố Biên Hòa",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

/// The page's counts are those of the senders and those of the statistics.
async fn the_page_agrees(
    demo: &Demo,
    page: &str,
    tally: &BTreeMap<String, BTreeMap<String, i64>>,
    key: &str,
) {
    assert_eq!(tally.len(), CHANNELS, "{tally:?}");
    let mut channels = table(page, "channels");
    let (_, totals) = channels.pop().unwrap();
    // What was posted to the hub's own addresses came by channels of its own.
    let own = |id: &str| {
        [".requests", ".applications", ".deadlines"].iter().any(|name| id.ends_with(name))
    };
    let played = || channels.iter().filter(|(id, _)| !own(id));
    assert_eq!((played().count(), channels.len()), (CHANNELS, CHANNELS + 3));
    for (channel, counts) in played() {
        let sent = &tally[channel];
        // How the hub reads in turns what was laid out is its own.
        if let Some(offered) = sent.get(OFFERED) {
            let some = 1.min(offered - 1);
            assert!(counts[0] > some && counts[5] > some, "{channel} {counts:?}");
            continue;
        }
        let of = |outcome: &str| sent.get(outcome).copied().unwrap_or(0);
        let mut expected = ["stored", "partial", "refused", "conflict"].map(of).to_vec();
        expected.push(0);
        expected.push(expected.iter().sum());
        assert_eq!(*counts, expected, "{channel} {sent:?}");
    }
    let sums = (0..totals.len()).map(|at| channels.iter().map(|(_, row)| row[at]).sum::<i64>());
    assert_eq!(sums.collect::<Vec<_>>(), totals);
    let mut statuses = table(page, "statuses");
    let (_, total) = statuses.pop().unwrap();
    assert_eq!(statuses.iter().map(|(_, row)| row[0]).sum::<i64>(), total[0]);
    let agencies = table(page, "agencies");
    assert_eq!(agencies.len(), AGENCIES + 1);
    assert_eq!(agencies[AGENCIES].1[0], total[0]);
    let day = page.split_once("datetime=\"").unwrap().1;
    let now: jiff::Timestamp = day.split('"').next().unwrap().parse().unwrap();
    let day = jiff::tz::Offset::constant(7).to_datetime(now).date();
    let told = demo.get(&format!("/v1/statistics?from={day}&to={day}"), key).await;
    let measures = told["rows"][0]["measures"].as_object().unwrap();
    for (at, (_, row)) in statuses.iter().enumerate() {
        let measure = format!("in-status-{}", at + 1);
        let counted = measures.get(&measure).map_or(0, |n| n.as_i64().unwrap());
        assert_eq!(row[0], counted, "{measure}");
    }
    let number = |name: &str| measures[name].as_i64().unwrap();
    assert_eq!(agencies[AGENCIES].1[1..3], [number("open"), number("overdue")]);
    let entries = page.split_once("<dd>").unwrap().1.split('<').next().unwrap();
    assert_eq!(told["as_of"].to_string(), entries, "read at one position");
}

#[test]
fn once_plays_every_sample_by_push_and_by_file_and_leaves_nothing() {
    let mut demo = Demo::start("demo-once", &["--once"]);
    let began = Instant::now();
    let status = loop {
        if let Some(status) = demo.child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < PLAY_MAX);
        std::thread::sleep(Duration::from_millis(100));
    };
    let printed = demo.printed();
    assert_eq!(status.code(), Some(0), "{printed}");
    let tally = tally(&printed, CHANNELS - ANSWERING);
    assert_eq!(tally.len(), CHANNELS - ANSWERING, "{printed}");
    for (channel, outcomes) in tally {
        // What is read and is the same is not taken a second time.
        let Some(duplicates) = outcomes.get("duplicate").copied() else {
            assert!(["so-y-te.ho-so", "so-nong-nghiep-ptnt.ho-so"].contains(&&*channel));
            assert_eq!(outcomes, BTreeMap::from([("partial".to_owned(), 1)]), "{channel}");
            continue;
        };
        let first: i64 = outcomes.values().sum::<i64>() - duplicates;
        assert_eq!(first, duplicates, "{channel}: each went twice, {outcomes:?}");
    }
    for words in [
        "so-xay-dung.ho-so (file)",
        "so-tai-chinh.ho-so (file)",
        "so-noi-vu.ho-so (rest)",
        "so-cong-thuong.ho-so (soap)",
        "so-tu-phap.khao-sat (lgsp)",
        "ubnd-long-khanh.tien-do (dvcqg)",
        "so-y-te.ho-so (poll)",
        "so-nong-nghiep-ptnt.ho-so (database)",
        "GET /v1/dossiers/",
        "GET /v1/statistics",
        "as of journal position",
    ] {
        assert!(printed.contains(words), "{words} in {printed}");
    }
    // Of one line to each agency: how often it was tried, taken, failed, waits, dead, replayed.
    let told = |channel: &str| -> Vec<u64> {
        let line = printed.lines().find(|line| line.starts_with(channel)).unwrap();
        line.split_whitespace().skip(2).filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(told("so-thong-tin-truyen-thong.ket-qua"), [7, 4, 3, 0, 0, 0], "{printed}");
    assert_eq!(told("ban-quan-ly-kcn.doanh-nghiep"), [7, 6, 0, 0, 1, 1], "{printed}");
    exchanged::answered(&printed);
    assert!(!demo.scratch().exists());
}

//! The interface's description of itself: that it is one, that the hub answers as it says, and that
//! nothing answers which it does not tell of.

use std::{collections::BTreeSet, env, fs, process::Command};

use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
    random::seed,
};

/// Typical calls, and what they must be answered.
const PLAN: &str = include_str!("openapi/plan.json");

/// Who may do what.
const CALLERS: &str = include_str!("openapi/callers.json");

/// A procedure that may be applied for online.
const ONLINE: &str = "1.009001,,,ubnd-bien-hoa,Thủ tục mẫu,,province,,,nd43:4@2015-04-01..,,,,\n";

/// Where it leads: to nowhere that anybody is asked.
const LINKS: &str = "agency,procedure,url\nubnd-bien-hoa,,https://10.11.12.13/{code}\n";

/// A hub with a catalogue, a folder for files, and a key of each kind.
struct Office {
    folder: Folder,
    hub: Hub,
    keys: Value,
}

impl Office {
    async fn open(name: &str) -> Self {
        Self::among(name, "", &|_| json!({})).await
    }

    /// The same, with more lines in its configuration, and with more keys.
    async fn among(name: &str, lines: &str, more: &dyn Fn(&Folder) -> Value) -> Self {
        let mut folder = Folder::new(name);
        let catalogue = folder.catalogue();
        let procedures = catalogue.join("procedures.csv");
        let known = fs::read_to_string(&procedures).unwrap();
        fs::write(&procedures, known + ONLINE).unwrap();
        fs::write(catalogue.join("links.csv"), LINKS).unwrap();
        folder.publishing(Some(catalogue));
        fs::create_dir_all(folder.path().join("files")).unwrap();
        // Who may be sent events, if anybody were there.
        let near = "private_networks = [\"127.0.0.2\"]\n";
        folder.configured_with(format!("{lines}{near}[attachments]\nfolder = \"files\"\n"));
        let mut keys = json!({
            "operator": folder.key("operator"),
            "portal": folder.key("portal"),
            "agency": folder.key("agency:ubnd-bien-hoa"),
            "other": folder.key("agency:so-giao-thong-van-tai"),
            "stranger": folder.key("agency:so-xay-dung"),
            "reporting": folder.key("reporting:bi"),
        });
        keys.as_object_mut().unwrap().append(more(&folder).as_object_mut().unwrap());
        let hub = Hub::start(&folder).await;
        Self { folder, hub, keys }
    }

    /// The plan, with who calls; in a file of its own.
    fn plan(&self, more: impl FnOnce(&mut Value)) -> String {
        let mut plan: Value = serde_json::from_str(PLAN).unwrap();
        plan["keys"] = self.keys.clone();
        more(&mut plan);
        let file = self.folder.path().join("plan.json");
        fs::write(&file, plan.to_string()).unwrap();
        file.display().to_string()
    }

    /// Runs the client; what it told.
    #[track_caller]
    fn client(&self, what: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(root().join("tests/clients/run"));
        command.args(["openapi.py", what, &self.hub.url]).args(arguments);
        let output = command.current_dir(root()).output().unwrap();
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(output.status.success(), "{told}");
        stdout(&output)
    }

    async fn document(&self) -> Value {
        let answer = Client::new().get(format!("{}/openapi.json", self.hub.url)).send().await;
        answer.unwrap().json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_one_and_the_hub_answers_as_it_says() {
    let office = Office::open("openapi").await;
    office.client("valid", &[]);
    let told = office.client("answers", &[&office.plan(|_| ())]);
    let statuses: Value = serde_json::from_str(&told).unwrap();
    // What is not called needs what no hub without agencies' systems has.
    let document = office.document().await;
    let paths = document["paths"].as_object().unwrap().values();
    let ids = paths.flat_map(|item| item.as_object().unwrap().values());
    let ids: BTreeSet<&str> = ids.map(|told| told["operationId"].as_str().unwrap()).collect();
    let called: BTreeSet<&str> = statuses.as_object().unwrap().keys().map(String::as_str).collect();
    let left: Vec<&str> = ids.difference(&called).copied().collect();
    let elsewhere = [
        "callSoap",
        "describeSoap",
        "discardDead",
        "giveTokenLgsp",
        "lgspUpdateDocumentTraces",
        "lgspUpdateStatistic",
        "lgspUpdateVote",
        "replayDead",
        "streamFeed",
    ];
    assert_eq!(left, elsewhere);
    office.hub.stop();
    office.folder.verify();
}

/// All that schemathesis asks of single operations.
const ALL_PHASES: &str = "examples,coverage,fuzzing";

/// Who asks strange things, and what: whoever is turned away at once by most is so by some of it.
const STRANGE: [(&str, &str); 5] = [
    ("operator", ALL_PHASES),
    ("agency", ALL_PHASES),
    ("portal", "examples,fuzzing"),
    ("reporting", "examples,fuzzing"),
    ("", "examples,fuzzing"),
];

/// Keys of agencies that call by dialects; and what opens nothing, though an operator had it.
fn unusual(folder: &Folder) -> Value {
    let ended = |arguments: &[&str]| {
        let key = folder.key("operator");
        let id = key.split('_').nth(1).unwrap();
        let output = folder.run(&[&["key", arguments[0], id], &arguments[1..]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        key
    };
    let mut wrong = folder.key("operator");
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    json!({
        "lgsp": folder.key("agency:so-tu-phap"),
        "dvcqg": folder.key("agency:ubnd-long-khanh"),
        "soap": folder.key("agency:so-cong-thuong"),
        "malformed": "ltk_",
        "wrong": wrong,
        "expired": ended(&["rotate", "--overlap-days", "0"]),
        "revoked": ended(&["revoke"]),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_caller_is_let_in_to_what_is_theirs_and_to_nothing_else() {
    let near = "trusted_proxies = [\"127.0.0.1\"]\n";
    let office = Office::among("openapi-callers", near, &unusual).await;
    let plan = office.plan(|plan| plan["callers"] = serde_json::from_str(CALLERS).unwrap());
    office.client("matrix", &[&plan]);
    office.hub.stop();
    office.folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_is_answered_as_the_document_says() {
    let office = Office::open("openapi-strange").await;
    let seed = seed(1).to_string();
    let campaign = env::var("LIENTHONG_STRANGE").ok();
    for (who, phases) in STRANGE {
        let key = office.keys.get(who).and_then(Value::as_str).unwrap_or_default();
        let (examples, phases) = match &campaign {
            Some(examples) => (examples.as_str(), ALL_PHASES),
            None => ("4", phases),
        };
        office.client("strange", &[key, examples, &seed, phases]);
    }
    office.hub.stop();
    office.folder.verify();
}

/// Addresses of routes as they stand in a source, and how many are put together there.
fn routed(text: &str) -> (Vec<String>, usize) {
    let mut all = (Vec::new(), 0);
    for call in text.split(".route(").skip(1) {
        match call.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((address, _)) => all.0.push(address.to_owned()),
            None => all.1 += 1,
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_answers_that_the_document_does_not_tell_of() {
    let office = Office::open("openapi-routes").await;
    let document = office.document().await;
    let paths = document["paths"].as_object().unwrap();
    let mut put_together = 0;
    for file in [
        "rest/exchange.rs",
        "rest/push.rs",
        "rest/token.rs",
        "dialect/lgsp.rs",
        "dialect/dvcqg.rs",
        "soap/server.rs",
    ] {
        let text = fs::read_to_string(root().join("adapters/src").join(file)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let (addresses, more) = routed(text);
        put_together += more;
        for address in addresses {
            assert!(paths.contains_key(&address), "{file}: {address}");
        }
    }
    // The hub's own channels, tokens, and the calls of an LGSP: each list is the document's too.
    assert_eq!(put_together, 3);
    let own = fs::read_to_string(root().join("hub/src/api/mod.rs")).unwrap();
    assert_eq!(routed(&own), (Vec::new(), 0), "routes are registered by their descriptions");
    // What is documented answers: to a method that it does not take, with those that it does.
    let client = Client::new();
    for (path, item) in paths {
        let address = path.replace("{action}", "pause").replace(['{', '}'], "");
        let request = client.patch(format!("{}{address}", office.hub.url));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 405, "{path}");
        let allowed = answer.headers()["allow"].to_str().unwrap().to_lowercase();
        let methods: BTreeSet<&str> = allowed.split(',').filter(|one| *one != "head").collect();
        let told: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(methods, told, "{path}");
    }
    office.hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_document_needs_nothing_from_elsewhere() {
    let office = Office::open("openapi-page").await;
    let client = Client::new();
    let get =
        async |path: &str| client.get(format!("{}{path}", office.hub.url)).send().await.unwrap();
    let page = get("/docs").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
    let page = page.text().await.unwrap();
    let named: Vec<&str> = page.split(['"', '\'']).filter(|text| text.contains('.')).collect();
    assert!(named.len() > 5, "{page}");
    for address in named {
        assert!(!address.contains("//"), "{address}");
        let file = get(&format!("/{address}")).await;
        assert_eq!(file.status(), 200, "{address}");
        assert!(file.headers().contains_key("content-security-policy"), "{address}");
    }
    assert!(!page.contains("<script>"), "its programs are files of their own");
    let begun = get("/docs/swagger-initializer.js").await.text().await.unwrap();
    assert!(begun.contains("\"url\": \"/openapi.json\""), "{begun}");
    assert!(begun.contains("\"validatorUrl\": \"none\""), "it asks nobody what they think of it");
    office.hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_has_its_page_in_two_languages() {
    let office = Office::open("openapi-problems").await;
    let client = Client::new();
    let url = &office.hub.url;
    let all: Value =
        client.get(format!("{url}/problems")).send().await.unwrap().json().await.unwrap();
    let all = all["problems"].as_array().unwrap();
    assert!(all.len() > 80, "{}", all.len());
    // What an answer's type points to is there.
    let refused: Value =
        client.get(format!("{url}/v1/feeds")).send().await.unwrap().json().await.unwrap();
    let kind = all.iter().find(|kind| kind["type"] == refused["type"]).unwrap();
    assert_eq!((&kind["title"], &kind["advice"]), (&refused["title"], &refused["advice"]));
    let href = kind["href"].as_str().unwrap();
    let request = client.get(format!("{url}{href}")).header("Accept", "text/html,*/*;q=0.8");
    let page = request.send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = page.text().await.unwrap();
    for text in [&kind["title"], &kind["title_en"], &kind["advice"], &kind["advice_en"]] {
        let text = text.as_str().unwrap();
        assert!(page.contains(text), "{text} in {page}");
    }
    let none = client.get(format!("{url}/problems/no-such-problem")).send().await.unwrap();
    assert_eq!(none.status(), 404);
    office.hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_and_a_name_that_is_no_text_are_told_as_problems() {
    let office = Office::open("openapi-problem").await;
    let (client, url) = (Client::new(), &office.hub.url);
    let key = office.keys["operator"].as_str().unwrap();
    let long = client.post(format!("{url}/v1/dead/x/replay")).body(vec![b' '; 3 << 20]);
    let no_text = client.get(format!("{url}/v1/feeds/%FF"));
    let far = client.get(format!("{url}/v1/records/{}", u64::MAX));
    for (request, status, code) in
        [(long, 413, "payload-too-large"), (no_text, 404, "not-found"), (far, 404, "not-found")]
    {
        let answer = request.bearer_auth(key).send().await.unwrap();
        assert_eq!(answer.status(), status, "{code}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["code"], code, "{told}");
    }
    office.hub.stop();
}

//! What pages of others show of procedures: JSON-LD for whoever asks, and the script that shows it
//! in a browser.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub},
};

on_each_store!(what_is_embedded_is_there_for_everybody_in_the_words_of_schema_org);

/// What the browser may take.
const BROWSER: &str = "chromium";

/// A script may weigh so much.
const SCRIPT_BYTES_MAX: usize = 5_000;

/// A name that would be markup, were it not taken for text.
const NAME: &str = "Cấp <img src=x onerror=alert(1)> &amp; mẫu";

/// Properties of <https://schema.org> that each type may have here.
const SCHEMA_ORG: [(&str, &[&str]); 8] = [
    (
        "GovernmentService",
        &[
            "identifier",
            "name",
            "serviceType",
            "provider",
            "audience",
            "serviceOutput",
            "offers",
            "availableChannel",
        ],
    ),
    ("GovernmentOrganization", &["identifier", "name", "alternateName"]),
    ("Audience", &["audienceType"]),
    ("Thing", &["name"]),
    ("Offer", &["name", "description", "price", "priceCurrency"]),
    ("ServiceChannel", &["serviceUrl", "processingTime"]),
    ("ItemList", &["name", "numberOfItems", "itemListElement"]),
    ("ListItem", &["position", "item"]),
];

/// Every node has a type, and of that only properties that schema.org gives it.
fn defined(node: &Value) {
    match node {
        Value::Array(all) => all.iter().for_each(defined),
        Value::Object(members) => {
            let kind = members["@type"].as_str().unwrap();
            let known = SCHEMA_ORG.iter().find(|(name, _)| *name == kind);
            let (_, known) = known.unwrap_or_else(|| panic!("{kind} is no type of these"));
            for (name, value) in members {
                let own = name.starts_with('@') || name.starts_with("lt:");
                assert!(own || known.contains(&name.as_str()), "{kind}: {name}");
                if !own && (value.is_object() || value.is_array()) {
                    defined(value);
                }
            }
        }
        _ => {}
    }
}

fn office(backend: Backend, name: &str) -> Folder {
    let mut folder = backend.folder(name);
    let catalogue = folder.catalogue();
    let file = catalogue.join("procedures.csv");
    let known = fs::read_to_string(&file).unwrap();
    let (head, rest) = known.split_once('\n').unwrap();
    let widened: String = rest.lines().map(|line| format!("{line},,\n")).collect();
    let own = format!(
        "1.900001,000.00.00.H19,,so-y-te,{NAME},,province,15,working_days,nd42:full,75000,,,,\
         Cá nhân;Tổ chức,Giấy phép\n\
         1.900001,000.00.00.H19,,so-xay-dung,Cấp nơi khác,,province,10,calendar_days,\
         nd42:information,,,,,,\n\
         1.900002,,,so-y-te,Hết hiệu lực,,province,,,,,,,2020-12-31,,\n"
    );
    fs::write(&file, format!("{head},applicants,results\n{widened}{own}")).unwrap();
    let fees = "procedure,agency,name,amount,kind\n1.900001,so-y-te,Lệ phí cấp,75000,le_phi\n\
                1.900001,so-y-te,Phí thẩm định,1200000,phi\n";
    fs::write(catalogue.join("fees.csv"), fees).unwrap();
    let links = "agency,procedure,url\nso-y-te,,https://10.11.12.13/?ma={code}\n\
                 so-xay-dung,,https://10.11.12.13/xd/{code}\n";
    fs::write(catalogue.join("links.csv"), links).unwrap();
    folder.publishing(Some(catalogue));
    folder
}

async fn get(hub: &Hub, path: &str, tag: Option<&str>) -> Response {
    let mut request = Client::new().get(format!("{}/v1/embed/{path}", hub.url));
    if let Some(tag) = tag {
        request = request.header("If-None-Match", tag);
    }
    let answer = request.send().await.unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("access-control-allow-origin"), Some("*"), "{path}");
    assert_eq!(header("set-cookie"), None);
    answer
}

async fn what_is_embedded_is_there_for_everybody_in_the_words_of_schema_org(backend: Backend) {
    let folder = office(backend, "links-embed");
    let hub = Hub::start(&folder).await;
    let answer = get(&hub, "procedures/1.900001.000.00.00.H19", None).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/ld+json");
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told["@context"][0], "https://schema.org");
    defined(&told["@graph"]);
    let one = &told["@graph"][0];
    assert_eq!(
        (&one["@type"], &one["identifier"], &one["name"]),
        (&json!("GovernmentService"), &json!("1.900001"), &json!(NAME))
    );
    assert_eq!(one["provider"]["name"], "Sở Y tế");
    assert_eq!(one["lt:deadline"], json!({ "lt:value": 15, "lt:unit": "working_days" }));
    let channel = &one["availableChannel"];
    let url = "https://10.11.12.13/?ma=1.900001";
    assert_eq!(*channel, json!({ "@type": "ServiceChannel", "serviceUrl": url }));
    let prices: Vec<u64> =
        one["offers"].as_array().unwrap().iter().map(|o| o["price"].as_u64().unwrap()).collect();
    assert_eq!(prices, [75_000, 1_200_000]);
    let other = &told["@graph"][1];
    assert_eq!(
        other["availableChannel"],
        json!({ "@type": "ServiceChannel", "processingTime": "P10D" }),
        "calendar days are a duration, and what cannot be filed online leads nowhere"
    );

    let again = get(&hub, "procedures/1.900001.000.00.00.H19", Some(&tag)).await;
    assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, &*tag));
    let of_one = get(&hub, "procedures/1.900001?agency=so-xay-dung", None).await;
    let of_one: Value = of_one.json().await.unwrap();
    assert_eq!(of_one["@graph"].as_array().unwrap().len(), 1);
    let list: Value = get(&hub, "agencies/so-y-te", None).await.json().await.unwrap();
    defined(&list);
    assert_eq!(list["name"], "Sở Y tế");
    let items = list["itemListElement"].as_array().unwrap();
    assert_eq!(list["numberOfItems"], items.len());
    assert!(items.iter().any(|one| one["item"]["identifier"] == "1.900001"));
    let ended = items.iter().filter(|one| one["item"]["identifier"] == "1.900002");
    assert_eq!(ended.count(), 0, "only what is in force");
    for (path, status) in [
        ("procedures/1.900002", 404),
        ("procedures/9.999999", 404),
        ("procedures/1.900001?agency=so-may", 404),
        ("procedures/1.900001?x=1", 400),
        ("agencies/so-may", 404),
    ] {
        assert_eq!(get(&hub, path, None).await.status(), status, "{path}");
    }
    let script = get(&hub, "script.js", None).await;
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    let script = script.text().await.unwrap();
    assert!(script.len() < SCRIPT_BYTES_MAX, "{} bytes", script.len());
    for never in ["HTML", "document.write", "document.cookie", "localStorage", "eval(", ".style"] {
        assert!(!script.contains(never), "{never}");
    }
    hub.stop();
    folder.verify();
}

/// A page of somebody else's, which lets in nothing but the hub: its address.
async fn page(hub: &Hub, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let policy = format!("default-src 'none'; script-src {0}; connect-src {0}", hub.url);
    let text = format!(
        "<!DOCTYPE html><html lang=\"vi\"><meta charset=\"utf-8\"><title>Cổng</title>\
         <script src=\"{}/v1/embed/script.js\" defer></script><body>{body}</body></html>",
        hub.url
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\
         content-security-policy: {policy}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    );
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = line.read(&mut buffer).await;
            let _ = line.write_all(answer.as_bytes()).await;
        }
    });
    url
}

/// What a browser makes of a page when all has been asked for.
fn shown(url: &str, home: &Path) -> String {
    let mut command = Command::new(BROWSER);
    command
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server"])
        .arg(format!("--user-data-dir={}", home.display()))
        .args(["--virtual-time-budget=20000", "--timeout=20000", "--dump-dom", url]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_browser_shows_a_procedure_as_text_on_a_page_that_lets_in_nothing_else() {
    let folder = office(Backend::Sqlite, "links-browser");
    let hub = Hub::start(&folder).await;
    let body = "<div data-lien-thong-procedure=\"1.900001\" data-lien-thong-agency=\"so-y-te\">\
                </div><div data-lien-thong-procedure=\"../x\" lang=\"en\"></div>";
    let url = page(&hub, body).await;
    let home = folder.path().join("browser");
    let text = tokio::task::spawn_blocking(move || shown(&url, &home)).await.unwrap();
    for part in [
        "Cấp &lt;img src=x onerror=alert(1)&gt; &amp;amp; mẫu</strong>",
        "<dd class=\"lien-thong-value\">Sở Y tế</dd>",
        "<dd class=\"lien-thong-value\">15 ngày làm việc</dd>",
        "Phí thẩm định: 1.200.000 đồng</dd>",
        "href=\"https://10.11.12.13/?ma=1.900001\"",
        ">Đến dịch vụ trực tuyến</a>",
        "role=\"status\">There is no such procedure.</p>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<img") && !text.contains("style="), "{text}");
    hub.stop();
}

//! Files inside a document of LGSP: out of the message, in no record, and fetched back byte for
//! byte by who sent them and whom the record was sent to.

use std::fs;

use super::{OPEN, Office, document};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
};

on_each_store!(a_file_inside_a_document_is_kept_by_itself_and_fetched_back_byte_for_byte,);

/// Base64 as Java's encoder writes it.
fn encoded(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let all = (0..3).fold(0, |all, at| all << 8 | u32::from(*part.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= part.len() { letter.into() } else { '=' });
        }
    }
    text
}

async fn fetch(sender: &Sender, digest: &str) -> (u16, Vec<u8>) {
    let url = format!("{}/v1/attachments/{digest}?purpose=handling", sender.url);
    let answer = sender.client.get(url).bearer_auth(&sender.key).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

/// All that a store on a disk, or a dump of it, would show.
fn bytes_of_store(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for name in ["hub.db", "hub.db-wal"] {
        all.extend(fs::read(folder.join(name)).unwrap_or_default());
    }
    all
}

/// A folder of a hub that keeps files, and sends what it is told to another agency, persons and
/// all.
fn keeping(backend: Backend) -> Folder {
    let mut folder = backend.folder("lgsp-files");
    fs::create_dir_all(folder.path().join("giao")).unwrap();
    let route = "[[route]]\ncontract = \"dossier/1\"\nfrom = \"so-tu-phap\"\npersonal = true\n\
                 to = \"so-tai-nguyen-moi-truong.giay-phep-xay-dung\"\n";
    fs::write(folder.path().join("routes.toml"), route).unwrap();
    folder.configured_with(
        "routes = \"routes.toml\"\n\
         [endpoints.\"so-tai-nguyen-moi-truong.giay-phep-xay-dung\"]\nfolder = \"giao\"\n\
         [attachments]\nfolder = \"tep\"\nfile_megabytes_max = 1\n"
            .to_owned(),
    );
    folder
}

async fn a_file_inside_a_document_is_kept_by_itself_and_fetched_back_byte_for_byte(
    backend: Backend,
) {
    let folder = keeping(backend);
    let key = |who: &str| folder.key(who);
    let keys = [
        key("agency:so-tu-phap"),
        key("agency:so-tai-nguyen-moi-truong"),
        key("agency:so-noi-vu"),
        key("operator"),
        key("portal"),
    ];
    let hub = Hub::start(&folder).await;
    let [own, sent, other, operator, portal] = keys.clone().map(|key| hub.sender(&key));
    let office = Office { folder, hub, key: keys[0].clone() };
    let token = office.token().await;
    let mut pdf = b"%PDF-1.4\n".to_vec();
    pdf.extend((0..300_001_u32).map(|at| (at * 7 % 253) as u8));
    let large = vec![7; 1_100_000];
    let file = |name: &str, bytes: &[u8]| {
        format!(
            ",{{\"AttachmentId\":7,\"AttachmentName\":\"{name}\",\"IsDeleted\":false,\
             \"IsVerified\":true,\"Base64\":\"{}\"}}],\"DocFees\"",
            encoded(bytes)
        )
    };
    let code = "000.10.12.H19-200304-0012";
    let with = |name: &str, bytes: &[u8]| {
        document(code, OPEN).replace("],\"DocFees\"", &file(name, bytes))
    };
    let sync = "/lgsp/Document/SyncDocument";
    let whole = with("Giấy khai sinh.pdf", &pdf);
    office.pushes(&token, sync, &whole).await;
    let (_, again) = office.pushes(&token, sync, &whole).await;
    assert!(again["Message"].as_str().unwrap().contains("duplicate"), "{again}");
    let path = format!("/v1/dossiers/{code}?purpose=handling");
    let claims = own.get(&path).await.1["dossier"]["attachments"].clone();
    let text = |at: usize, name: &str| claims[at][name].as_str().unwrap().to_owned();
    assert_eq!((text(0, "name"), text(0, "media_type")), ("Tờ khai".into(), BYTES.into()));
    let known = (text(1, "name"), text(1, "media_type"));
    assert_eq!(known, ("Giấy khai sinh.pdf".into(), "application/pdf".into()));
    assert_eq!(claims[1]["size"], pdf.len());
    for who in [&own, &sent] {
        assert_eq!(fetch(who, &text(1, "digest")).await, (200, pdf.clone()));
        assert_eq!(fetch(who, &text(0, "digest")).await, (200, "Tờ khai".into()));
    }
    for who in [&other, &operator, &portal] {
        assert_eq!(fetch(who, &text(1, "digest")).await.0, 404);
    }
    for who in [&other, &portal] {
        assert!(!who.get(&path).await.1.to_string().contains("sha256:"));
    }
    // What is too large stays in its message, which is taken all the same.
    office.pushes(&token, sync, &with("Bản vẽ", &large)).await;
    let claims = own.get(&path).await.1["dossier"]["attachments"].clone();
    assert_eq!(claims.as_array().map(Vec::len), Some(1), "{claims}");
    // Who names a file of another's is refused, and gets nothing of it.
    let stolen = document("H19.12-200306-0009", OPEN)
        .replace("\"DocFees\"", &format!("\"ClaimChecks\":{},\"DocFees\"", claims))
        .replace(&encoded("Tờ khai".as_bytes()), "");
    let stolen = stolen.replace(&text(0, "digest"), &format!("sha256:{}", "0".repeat(64)));
    let (status, told) = office.pushes(&token, sync, &stolen).await;
    assert_eq!(status, 422, "{told}");
    assert!(told["Message"].as_str().unwrap().contains("unknown-attachment"), "{told}");
    office.hub.stop();
    let store = bytes_of_store(office.folder.path());
    let letters = encoded(&pdf);
    assert!(!store.windows(64).any(|part| part == &letters.as_bytes()[4_000..4_064]));
    assert_eq!(office.folder.verify().dossiers, 1);
}

/// What nobody can tell by its beginning.
const BYTES: &str = "application/octet-stream";

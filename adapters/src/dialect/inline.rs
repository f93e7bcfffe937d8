//! Files that stand inside a message, in base64: each goes to where files are kept, and its claim
//! check stays in its place.
//!
//! What is left says which file stood where: with the files in their places the message is, byte
//! for byte, what was sent. What is not written as a file would be written back (letters that no
//! base64 has, blanks, escapes) stays as it is, and so does a document that is no such document:
//! its mapping says what is wrong.

use std::io;

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use contracts::Later;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Files taken out of one message, at most: as many as a record names.
const FILES_MAX: usize = 100;

/// Letters of base64 decoded at a time: four are three bytes.
const LETTERS: usize = 64 * 1024;

/// The member that lists the claim checks.
const CLAIMS: &str = "ClaimChecks";

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `sha256:` and the SHA-256 of its bytes.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// What kind of file.
    pub media_type: String,
}

/// Where files of messages are kept.
pub trait Files: Send + Sync + 'static {
    /// Keeps a file of a channel's agency; gives none where it may not be kept, or broke off.
    ///
    /// # Errors
    ///
    /// When it cannot be kept now.
    fn keep(&self, channel: &str, file: Body) -> BoxFuture<'static, Result<Option<Claim>, Later>>;
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "Attachments")]
    attachments: Option<Vec<Attachment<'a>>>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow, rename = "Base64")]
    base64: Option<&'a RawValue>,
    #[serde(borrow, rename = "AttachmentName")]
    name: Option<&'a RawValue>,
}

/// A file inside a payload: from where to where its letters stand, and its name as it is written.
struct Place {
    from: usize,
    to: usize,
    name: Value,
}

/// Where the files of a document stand, in their order.
fn places(payload: &[u8]) -> Vec<Place> {
    let Ok(Document { attachments: Some(all) }) = serde_json::from_slice(payload) else {
        return Vec::new();
    };
    let place = |one: Attachment<'_>| {
        let letters = one.base64?.get().strip_prefix('"')?.strip_suffix('"')?;
        let from = letters.as_ptr().addr().checked_sub(payload.as_ptr().addr())?;
        let name = one.name.and_then(|name| serde_json::from_str(name.get()).ok());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let is_file = !letters.is_empty() && letters.bytes().all(plain);
        let to = from + letters.len();
        is_file.then_some(Place { from, to, name: name.unwrap_or(Value::Null) })
    };
    all.into_iter().filter_map(place).take(FILES_MAX).collect()
}

/// The bytes that letters stand for, as they are decoded; an error ends them where they are none.
fn decoded(letters: Bytes) -> Body {
    Body::from_stream(stream::unfold(letters, async |mut letters| {
        if letters.is_empty() {
            return None;
        }
        let now = letters.split_to(letters.len().min(LETTERS));
        // Padding stands at the end alone: before it, each part is whole.
        let part = match now.contains(&b'=') && !letters.is_empty() {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => BASE64_STANDARD.decode(&now).map(Bytes::from).map_err(io::Error::other),
        };
        Some((part, letters))
    }))
}

/// Takes the files out of a document of a channel's agency.
///
/// # Errors
///
/// When a file cannot be kept now.
pub(super) async fn claimed(
    files: &dyn Files,
    channel: &str,
    payload: Bytes,
) -> Result<Bytes, Later> {
    let (mut rest, mut claims, mut done) = (Vec::new(), Vec::new(), 0);
    for Place { from, to, name } in places(&payload) {
        let file = decoded(payload.slice(from..to));
        let Some(claim) = files.keep(channel, file).await? else { continue };
        rest.extend_from_slice(payload.get(done..from).unwrap_or_default());
        rest.extend_from_slice(claim.digest.as_bytes());
        done = to;
        let Claim { digest, size, media_type } = claim;
        claims.push(json!({ "digest": digest, "size": size, "media_type": media_type,
                            "name": name }));
    }
    let end = payload.iter().rposition(|byte| *byte == b'}');
    let Some(end) = end.filter(|_| !claims.is_empty()) else { return Ok(payload) };
    rest.extend_from_slice(payload.get(done..end).unwrap_or_default());
    rest.extend_from_slice(format!(",\"{CLAIMS}\":{}", Value::from(claims)).as_bytes());
    rest.extend_from_slice(payload.get(end..).unwrap_or_default());
    Ok(rest.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Keeps all but what is longer than a file may be.
    #[derive(Default)]
    struct Kept(std::sync::Arc<Mutex<Vec<Vec<u8>>>>);

    const BYTES_MAX: usize = 200_000;

    impl Files for Kept {
        fn keep(&self, _: &str, file: Body) -> BoxFuture<'static, Result<Option<Claim>, Later>> {
            let all = self.0.clone();
            Box::pin(async move {
                let Ok(bytes) = axum::body::to_bytes(file, BYTES_MAX).await else {
                    return Ok(None);
                };
                all.lock().unwrap().push(bytes.to_vec());
                let (digest, size) = (format!("sha256:{}", bytes.len()), bytes.len() as u64);
                Ok(Some(Claim { digest, size, media_type: "application/pdf".to_owned() }))
            })
        }
    }

    async fn taken(payload: &str) -> (String, Vec<Vec<u8>>) {
        let kept = Kept::default();
        let rest = claimed(&kept, "a.b", Bytes::from(payload.to_owned())).await.unwrap();
        (String::from_utf8(rest.to_vec()).unwrap(), kept.0.lock().unwrap().clone())
    }

    #[tokio::test]
    async fn files_are_taken_out_and_all_else_stays_as_it_is_written() {
        let long: Vec<u8> = (0..150_000_u32).map(|at| (at % 251) as u8).collect();
        let letters = BASE64_STANDARD.encode(&long);
        let payload = format!(
            "{{ \"DocCode\" : \"A\\/1\",\n\"Attachments\":[{{\"AttachmentName\":\"T\\u1edd\",\
             \"Base64\": \"{letters}\"}},{{\"Base64\":\"VOG7nQ==\",\"AttachmentName\":7}}],\
             \"Note\":\"x\" }}\n"
        );
        let (rest, files) = taken(&payload).await;
        assert_eq!(files, [long, "Tờ".as_bytes().to_vec()]);
        let claims = ",\"ClaimChecks\":[{\"digest\":\"sha256:150000\",\"size\":150000,\
                      \"media_type\":\"application/pdf\",\"name\":\"Tờ\"},\
                      {\"digest\":\"sha256:4\",\"size\":4,\"media_type\":\"application/pdf\",\
                      \"name\":7}]";
        assert!(rest.contains(claims), "{rest}");
        let back = rest.replace(claims, "").replace("sha256:150000", &letters);
        assert_eq!(back.replace("sha256:4", "VOG7nQ=="), payload, "as it was sent");
    }

    #[tokio::test]
    async fn what_is_no_file_or_is_not_kept_stays() {
        let of = |base64: &str| format!("{{\"Attachments\":[{{\"Base64\":{base64}}}]}}");
        let large = format!("\"{}\"", BASE64_STANDARD.encode(vec![7; BYTES_MAX + 1]));
        for payload in [
            of("\"\""),
            of("null"),
            of("7"),
            of("\"VOG7nQ\""),
            of("\"VOG7nR==\""),
            of("\"VOG7\\nnQ==\""),
            of("\"VOG7nQ==VOG7nQ==\""),
            of("\"data:application/pdf;base64,VOG7nQ==\""),
            of(&large),
            "{\"Attachments\":null}".to_owned(),
            "{\"Attachments\":[1]}".to_owned(),
            "{\"Attachments\":[{\"Base64\":\"VOG7nQ==\"}]".to_owned(),
            "[]".to_owned(),
            "\"}".to_owned(),
            String::new(),
        ] {
            let (rest, files) = taken(&payload).await;
            assert_eq!((rest.as_str(), files.len()), (payload.as_str(), 0));
        }
        let many: Vec<String> = (0..=FILES_MAX).map(|_| "{\"Base64\":\"VOG7\"}".into()).collect();
        let (rest, files) = taken(&format!("{{\"Attachments\":[{}]}}", many.join(","))).await;
        assert_eq!((files.len(), rest.matches("\"VOG7\"").count()), (FILES_MAX, 1));
    }
}

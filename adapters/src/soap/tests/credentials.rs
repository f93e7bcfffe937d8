//! Who is let in, and what is told to others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::*;

const BODY: &str = "<Nop xmlns=\"urn:x\"/>";
const PROFILE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";

/// A UsernameToken with a digest that the test's gate takes, or not.
fn digest(digest: &[u8], nonce: &str, created: &str) -> String {
    format!(
        "<wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\"><wsse:UsernameToken>\
         <wsse:Username>so-xay-dung</wsse:Username>\
         <wsse:Password Type=\"{PROFILE}#PasswordDigest\">{}</wsse:Password>\
         <wsse:Nonce>{}</wsse:Nonce><wsu:Created>{created}</wsu:Created>\
         </wsse:UsernameToken></wsse:Security>",
        STANDARD.encode(digest),
        STANDARD.encode(nonce)
    )
}

fn now() -> String {
    Timestamp::now().to_string()
}

/// The code of the problem, and the code of the fault, of what is refused.
async fn refused(rig: &Rig, headers: &str) -> (String, String) {
    let (status, fault) = rig.call(Version::V11, envelope(Version::V11, headers, BODY)).await;
    assert_eq!(status, 500);
    let code = text(find(&fault, "Problem").unwrap(), "Code");
    (code.to_owned(), text(&fault, "faultcode").to_owned())
}

fn failed(code: &str) -> (String, String) {
    (code.to_owned(), "wsse:FailedAuthentication".to_owned())
}

#[tokio::test]
async fn who_is_not_known_is_told_so_and_nothing_arrives() {
    let rig = Rig::start().await;
    for headers in [
        String::new(),
        token("so-xay-dung", "wrong"),
        token("so-y-te", "right"),
        token("so-xay-dung", ""),
        digest(b"wrong", "1", &now()),
    ] {
        assert_eq!(refused(&rig, &headers).await, failed("unauthenticated"), "{headers}");
    }
    let url = format!("http://{}/soap/so-y-te.ho-so", rig.address);
    let request = rig.client.post(url).header("Content-Type", "text/xml");
    let answer = request.body(good(Version::V11, BODY)).send().await.unwrap();
    let told = body(&answer.text().await.unwrap());
    assert_eq!(text(find(&told, "Problem").unwrap(), "Code"), "forbidden");
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn in_soap_1_2_the_code_of_security_is_the_subcode() {
    let rig = Rig::start().await;
    let (status, fault) = rig.call(Version::V12, envelope(Version::V12, "", BODY)).await;
    assert_eq!(status, 400);
    assert_eq!(text(find(&fault, "Code").unwrap(), "Value"), "soap:Sender");
    assert_eq!(text(find(&fault, "Subcode").unwrap(), "Value"), "wsse:FailedAuthentication");
}

#[tokio::test]
async fn a_digest_opens_the_door_once() {
    let rig = Rig::start().await;
    let created = now();
    let first = envelope(Version::V11, &digest(b"right", "once", &created), BODY);
    assert_eq!(rig.call(Version::V11, first.clone()).await.0, 200);
    let again = refused(&rig, &digest(b"right", "once", &created)).await;
    assert_eq!(again, failed("token-replayed"));
    let other = envelope(Version::V11, &digest(b"right", "other", &created), BODY);
    assert_eq!(rig.call(Version::V11, other).await.0, 200);
    assert_eq!(rig.inbox.arrivals().len(), 2);
    // A wrong digest burns nobody's nonce.
    assert_eq!(refused(&rig, &digest(b"no", "third", &created)).await, failed("unauthenticated"));
    let third = envelope(Version::V11, &digest(b"right", "third", &created), BODY);
    assert_eq!(rig.call(Version::V11, third).await.0, 200);
}

#[tokio::test]
async fn a_token_of_another_time_is_stale_and_the_hubs_time_is_told() {
    let rig = Rig::start().await;
    let apart = SignedDuration::from_mins(6);
    for created in [Timestamp::now() - apart, Timestamp::now() + apart] {
        let headers = digest(b"right", "1", &created.to_string());
        let envelope = envelope(Version::V11, &headers, BODY);
        let (_, fault) = rig.call(Version::V11, envelope).await;
        assert_eq!(text(&fault, "faultcode"), "wsu:MessageExpired");
        let problem = find(&fault, "Problem").unwrap();
        assert_eq!(text(problem, "Code"), "token-stale");
        let today = Timestamp::now().strftime("%Y-%m-%dT").to_string();
        assert!(text(problem, "Detail").contains(&today), "{problem:?}");
    }
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn what_is_no_token_is_told_by_its_name() {
    let rig = Rig::start().await;
    let security = |inner: &str| {
        format!("<w:Security xmlns:w=\"{WSSE}\" xmlns:u=\"{WSU}\">{inner}</w:Security>")
    };
    for inner in [
        "<w:BinarySecurityToken>AA==</w:BinarySecurityToken>",
        "<w:UsernameToken><w:Username>a</w:Username></w:UsernameToken>",
        "<w:UsernameToken><w:Username>a</w:Username><w:Password Type=\"#PasswordDigest\">AA==\
         </w:Password></w:UsernameToken>",
        "<w:UsernameToken><w:Username>a</w:Username><w:Password>b</w:Password>\
         <w:Password>c</w:Password></w:UsernameToken>",
        "<w:UsernameToken><w:Username>a</w:Username><w:Password>b</w:Password>\
         <u:Created>hôm qua</u:Created></w:UsernameToken>",
    ] {
        let (code, fault) = refused(&rig, &security(inner)).await;
        let told = (code.as_str(), fault.as_str());
        assert_eq!(told, ("token-form", "wsse:InvalidSecurityToken"), "{inner}");
    }
    let (two, one) = (token("so-xay-dung", "right"), token("so-xay-dung", "right"));
    assert_eq!(refused(&rig, &(two + &one)).await.0, "token-form");
}

#[tokio::test]
async fn a_key_in_the_header_of_http_does_as_well_and_a_wrong_one_is_told_before_the_body() {
    let rig = Rig::start().await;
    let url = format!("http://{}/soap/{CHANNEL}", rig.address);
    let plain = envelope(Version::V11, "", BODY);
    let ask = |key: &str, body: String| {
        let request = rig.client.post(&url).bearer_auth(key).header("Content-Type", "text/xml");
        request.body(body).send()
    };
    assert_eq!(ask("right", plain).await.unwrap().status(), 200);
    let request = rig.client.post(&url).basic_auth("so-xay-dung", Some("another password"));
    let request = request.header("Content-Type", "text/xml").body(good(Version::V11, BODY));
    assert_eq!(request.send().await.unwrap().status(), 200, "its token is what counts");
    let answer = ask("wrong", "no envelope at all".to_owned()).await.unwrap();
    let told = body(&answer.text().await.unwrap());
    assert_eq!(text(find(&told, "Problem").unwrap(), "Code"), "unauthenticated");
}

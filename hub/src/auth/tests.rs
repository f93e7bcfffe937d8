use adapters::{
    rest::{
        push::{Denied, Door},
        token::{Asked, NotIssued, Tokens},
    },
    soap::{Proof, UserToken},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    keys::*,
    seal::{self, Seal},
    *,
};

fn keys(of: &[(&crate::store::ApiKey, Principal)]) -> Keys {
    Keys::knowing(of)
}

fn asked(id: &str, secret: &str) -> Asked {
    let (id, secret) = (Some(id.to_owned()), Some(secret.to_owned()));
    Asked { id, secret, ..Asked::default() }
}

#[test]
fn a_key_opens_its_own_agency_alone() {
    let who = Principal::Agency("so-y-te".to_owned());
    let (key, shown) = new_key(&who).unwrap();
    let keys = keys(&[(&key, who)]);
    let bearer = format!("Bearer {shown}");
    assert_eq!(keys.admit("so-y-te.ho-so", Some(&bearer)), Ok(()));
    assert_eq!(keys.admit("so-xay-dung.ho-so", Some(&bearer)), Err(Denied::Forbidden));
    assert_eq!(keys.admit("so-y-te.ho-so", None), Err(Denied::Unauthenticated));
    let mut wrong = bearer.clone();
    wrong.pop();
    assert_eq!(keys.admit("so-y-te.ho-so", Some(&wrong)), Err(Denied::Unauthenticated));
    assert!(!shown.contains(&key.hash.to_string()));
}
#[test]
fn a_token_is_had_for_a_key_ends_with_it_and_is_no_other_keys() {
    let who = Principal::Agency("so-y-te".to_owned());
    let (key, shown) = new_key(&who).unwrap();
    let (other, _) = new_key(&who).unwrap();
    let keys = keys(&[(&key, who.clone()), (&other, Principal::Operator)]);
    let (_, secret) = shown.rsplit_once('_').unwrap();
    assert!(keys.issue(&asked(&key.id, "wrong")).is_err());
    assert!(keys.issue(&asked("0000000000000000", secret)).is_err());
    for secret in [secret, shown.as_str()] {
        let token = keys.issue(&asked(&key.id, secret)).unwrap().token;
        assert_eq!(keys.principal(Some(&format!("Bearer {token}"))), Some(who.clone()));
        let stolen = token.replace(&key.id, &other.id);
        assert_eq!(keys.principal(Some(&format!("Bearer {stolen}"))), None);
    }
    let token = keys.issue(&asked(&key.id, secret)).unwrap().token;
    keys.known.write().unwrap().remove(&key.id);
    assert_eq!(keys.principal(Some(&format!("Bearer {token}"))), None);
}

#[test]
fn a_user_token_opens_by_the_secret_or_by_a_digest_of_its_password() {
    let who = Principal::Agency("so-y-te".to_owned());
    let (key, shown) = new_key(&who).unwrap();
    let keys = keys(&[(&key, who)]);
    let token = |proof: Proof| UserToken { username: key.id.clone(), proof };
    let digest = |password: &str, nonce: &[u8]| {
        let digest = seal::digest(b"nonce", "2026-01-01T00:00:00Z", password);
        let (nonce, created) = (nonce.to_vec(), "2026-01-01T00:00:00Z".to_owned());
        token(Proof::Digest { digest, nonce, created })
    };
    let password = Seal::from_bytes([7; 32]).password();
    let channel = "so-y-te.ho-so";
    assert_eq!(keys.admit_user(channel, &token(Proof::Text(shown.clone()))), Ok(()));
    assert_eq!(keys.admit_user(channel, &digest(&password, b"nonce")), Ok(()));
    let forbidden = keys.admit_user("so-xay-dung.ho-so", &digest(&password, b"nonce"));
    assert_eq!(forbidden, Err(Denied::Forbidden));
    for wrong in [
        token(Proof::Text(password.clone())),
        digest(&shown, b"nonce"),
        digest(&password, b"other"),
        UserToken { username: "x".to_owned(), ..digest(&password, b"nonce") },
    ] {
        assert_eq!(keys.admit_user(channel, &wrong), Err(Denied::Unauthenticated));
    }
}

#[test]
fn a_key_that_is_over_and_one_for_less_open_no_more_than_they_are_for() {
    let who = Principal::Agency("so-y-te".to_owned());
    let (mut key, shown) = new_key(&who).unwrap();
    let bearer = format!("Bearer {shown}");
    key.scopes = Some("feeds:read messages:read".to_owned());
    let some = keys(&[(&key, who.clone())]);
    assert_eq!(some.admit("so-y-te.ho-so", Some(&bearer)), Err(Denied::Forbidden));
    let Judged::Caller(caller) = some.judge(Some(&bearer), None) else { panic!("not known") };
    assert_eq!(caller.scopes.to_string(), "feeds:read messages:read");

    // A token may be for less than its key, never for more.
    let ask = |scope: &str| Asked { scope: Some(scope.to_owned()), ..asked(&key.id, &shown) };
    let issued = some.issue(&ask("feeds:read")).unwrap();
    assert_eq!(issued.scope.as_deref(), Some("feeds:read"));
    let token = format!("Bearer {}", issued.token);
    let Judged::Caller(caller) = some.judge(Some(&token), None) else { panic!("not known") };
    assert_eq!(caller.scopes.to_string(), "feeds:read");
    for more in ["messages:write", "feeds:read operate", "feeds", "feeds:read,messages:read"] {
        assert_eq!(some.issue(&ask(more)).err(), Some(NotIssued::Scope), "{more}");
    }

    key.expires_at = Some(Timestamp::now() - SignedDuration::from_secs(1));
    let over = keys(&[(&key, who)]);
    for shown in [&bearer, &token] {
        assert_eq!(over.judge(Some(shown), None), Judged::Expired);
        assert_eq!(over.principal(Some(shown)), None);
    }
    assert_eq!(over.issue(&asked(&key.id, &shown)).err(), Some(NotIssued::Client));
    // Who does not have the secret is not told that it is over.
    let wrong = format!("{}0", &bearer[..bearer.len() - 1]);
    let wrong = if wrong == bearer { bearer.replace('0', "1") } else { wrong };
    assert_eq!(over.judge(Some(&wrong), None), Judged::Nobody);
}

#[test]
fn wrong_secrets_from_one_address_lock_that_address_alone() {
    let (key, shown) = new_key(&Principal::Portal).unwrap();
    let keys = keys(&[(&key, Principal::Portal)]);
    let (right, wrong) = (format!("Bearer {shown}"), format!("Bearer ltk_{}_{}", key.id, "0"));
    let peer = |last: u8| Some(std::net::IpAddr::from([10, 0, 0, last]));
    for _ in 0..10 {
        assert_eq!(keys.judge(Some(&wrong), peer(1)), Judged::Nobody);
    }
    for shown in [&wrong, &right] {
        assert!(matches!(keys.judge(Some(shown), peer(1)), Judged::Locked(_)));
    }
    assert!(matches!(keys.judge(Some(&right), peer(2)), Judged::Caller(_)));
    let asks = |last| Asked { peer: peer(last), ..asked(&key.id, &shown) };
    assert_eq!(keys.issue(&asks(1)).err(), Some(NotIssued::Client));
    assert!(keys.issue(&asks(2)).is_ok());
}

#[test]
fn principals_are_read_as_they_are_written() {
    for text in ["agency:so-y-te", "portal", "reporting:power-bi-2", "operator"] {
        assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
    }
    for text in ["", "agency:", "reporting:", "reporting:A", "reporting:a b", "portal:x", "root"] {
        let told = text.parse::<Principal>().unwrap_err().to_string();
        assert!(told.contains("reporting:NAME"), "{told}");
    }
}

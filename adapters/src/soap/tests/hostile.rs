//! Envelopes that nobody should send: each is refused by its name, and the next good one is taken.

use super::*;

const NOP: &str = "<Nop xmlns=\"urn:x\"/>";

/// What a fault says: the fault's own code, and the problem's.
async fn faulted(rig: &Rig, version: Version, envelope: impl Into<String>) -> (String, String) {
    let (status, fault) = rig.call(version, envelope).await;
    assert!(matches!(status, 400 | 500), "{status}");
    let code = match find(&fault, "faultcode") {
        Some(code) => code.text.clone(),
        None => text(find(&fault, "Code").unwrap(), "Value").to_owned(),
    };
    (code, text(find(&fault, "Problem").unwrap(), "Code").to_owned())
}

async fn is_refused(rig: &Rig, envelope: impl Into<String>, code: &str) {
    let envelope = envelope.into();
    let (faulted, told) = faulted(rig, Version::V11, envelope.clone()).await;
    let shown: String = envelope.chars().take(300).collect();
    assert_eq!((faulted.as_str(), told.as_str()), ("soap:Client", code), "{shown}");
}

#[tokio::test]
async fn document_types_and_entities_are_refused_before_they_mean_anything() {
    let rig = Rig::start().await;
    let xxe = format!(
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
        good(Version::V11, "<Nop xmlns=\"urn:x\">&e;</Nop>")
    );
    let entities: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let laughs = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY l0 \"ha\">{entities}]>{}",
        good(Version::V11, "<Nop xmlns=\"urn:x\">&l9;</Nop>")
    );
    let lone = good(Version::V11, "<Nop xmlns=\"urn:x\">&nbsp;</Nop>");
    for envelope in [xxe, laughs, lone] {
        is_refused(&rig, envelope, "forbidden-markup").await;
    }
    let pi = good(Version::V11, "<Nop xmlns=\"urn:x\"><?php ?></Nop>");
    is_refused(&rig, pi, "not-soap").await;
    assert!(rig.inbox.arrivals().is_empty());
    assert_eq!(rig.call(Version::V11, good(Version::V11, NOP)).await.0, 200);
}

#[tokio::test]
async fn an_envelope_of_another_version_is_told_which_are_spoken() {
    let rig = Rig::start().await;
    let other = good(Version::V11, NOP).replace(Version::V11.namespace(), "urn:soap:2");
    let told = faulted(&rig, Version::V11, other).await;
    assert_eq!(told, ("soap:VersionMismatch".to_owned(), "soap-version".to_owned()));
    // The namespace decides, not the media type.
    assert_eq!(rig.call(Version::V12, good(Version::V11, NOP)).await.0, 200);
}

#[tokio::test]
async fn a_body_holds_exactly_one_element_and_stands_at_the_end() {
    let rig = Rig::start().await;
    let (ns, token) = (Version::V11.namespace(), token("so-xay-dung", "right"));
    let around = |inner: &str| format!("<s:Envelope xmlns:s=\"{ns}\">{inner}</s:Envelope>");
    let header = format!("<s:Header>{token}</s:Header>");
    let body = format!("<s:Body>{NOP}</s:Body>");
    for (inner, code) in [
        (header.clone(), "not-soap"),
        (format!("{header}<s:Body/>"), "soap-body"),
        (format!("{header}<s:Body>  </s:Body>"), "soap-body"),
        (format!("{header}<s:Body>{NOP}{NOP}</s:Body>"), "soap-body"),
        (format!("{header}<s:Body>chữ</s:Body>"), "soap-body"),
        (format!("{header}{body}{body}"), "not-soap"),
        (format!("{body}{header}"), "not-soap"),
        (format!("{header}{header}{body}"), "not-soap"),
        (format!("{header}{body}chữ"), "not-soap"),
        (format!("{header}<s:Body>{NOP}"), "not-soap"),
    ] {
        is_refused(&rig, around(&inner), code).await;
    }
    is_refused(&rig, around(&format!("{header}{body}")) + NOP, "not-soap").await;
    for bytes in ["", "không phải XML", "<a/>", "<s:Envelope/>", "{\"a\":1}"] {
        is_refused(&rig, bytes, "not-soap").await;
    }
    is_refused(&rig, good(Version::V11, "<Nop xmlns=\"urn:x\"></Not>"), "not-soap").await;
    is_refused(&rig, good(Version::V11, "<x:Nop/>"), "not-soap").await;
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn an_operation_of_another_name_is_told_the_right_one() {
    let rig = Rig::start().await;
    for body in ["<Nop/>", "<Khac xmlns=\"urn:x\"/>", "<Nop xmlns=\"urn:y\"/>"] {
        let (_, fault) = rig.call(Version::V11, good(Version::V11, body)).await;
        let problem = find(&fault, "Problem").unwrap();
        assert_eq!(text(problem, "Code"), "unknown-operation");
        assert!(text(problem, "Detail").contains("{urn:x}Nop"), "{problem:?}");
    }
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn a_header_that_must_be_understood_and_is_not_is_a_fault_that_names_it() {
    let rig = Rig::start().await;
    for version in [Version::V11, Version::V12] {
        let strange = |rest: &str| {
            let block = format!("<t:Transaction xmlns:t=\"urn:t\" {rest}>5</t:Transaction>");
            envelope(version, &(token("so-xay-dung", "right") + &block), NOP)
        };
        let (code, told) = faulted(&rig, version, strange("s:mustUnderstand=\"1\"")).await;
        assert_eq!((code.as_str(), told.as_str()), ("soap:MustUnderstand", "must-understand"));
        // Nobody demands it, or not of the hub.
        let role = if version == Version::V11 { "actor" } else { "role" };
        let others = format!("s:mustUnderstand=\"1\" s:{role}=\"urn:somebody\"");
        for rest in ["", "s:mustUnderstand=\"0\"", &others] {
            assert_eq!(rig.call(version, strange(rest)).await.0, 200, "{rest}");
        }
    }
    let answer = rig.post(
        Version::V12.media_type(),
        envelope(Version::V12, "<t:T xmlns:t=\"urn:t\" s:mustUnderstand=\"true\"/>", NOP),
    );
    let (_, told) = answer.await.unwrap();
    let named = find(&tree(&told), "NotUnderstood").unwrap().clone();
    assert_eq!(named.attribute("", "qname"), Some("h:T"));
}

#[tokio::test]
async fn an_answer_elsewhere_is_not_promised() {
    let rig = Rig::start().await;
    let reply = |to: &str| {
        let block = format!(
            "<a:ReplyTo xmlns:a=\"{ADDRESSING}\" s:mustUnderstand=\"1\">\
             <a:Address>{to}</a:Address></a:ReplyTo>"
        );
        envelope(Version::V11, &(token("so-xay-dung", "right") + &block), NOP)
    };
    let anonymous = format!("{ADDRESSING}/anonymous");
    assert_eq!(rig.call(Version::V11, reply(&anonymous)).await.0, 200);
    let told = faulted(&rig, Version::V11, reply("http://10.0.0.1/")).await;
    assert_eq!(told.1, "must-understand");
}

#[tokio::test]
async fn multipart_is_refused_by_name_and_other_charsets_too() {
    let rig = Rig::start().await;
    let envelope = good(Version::V11, NOP);
    for (content_type, code) in [
        ("multipart/related; type=\"application/xop+xml\"; boundary=b", "mtom-not-taken"),
        ("text/xml; charset=windows-1258", "soap-charset"),
    ] {
        let (status, text) = rig.post(content_type, envelope.clone()).await.unwrap();
        assert_eq!(status, 500);
        assert!(text.contains(code), "{text}");
    }
    let (_, told) = rig.post("text/xml", b"<a>\xff</a>".to_vec()).await.unwrap();
    assert!(told.contains("soap-charset"), "{told}");
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn utf_16_arrives_as_utf_8_and_a_byte_order_mark_is_none_of_the_payload() {
    let rig = Rig::start().await;
    let element = "<Nop xmlns=\"urn:x\">Hồ sơ</Nop>";
    let envelope = good(Version::V12, element);
    let wide: Vec<u8> = envelope.encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect();
    let marked = [b"\xff\xfe".to_vec(), wide.clone()].concat();
    let plain = format!("\u{feff}{envelope}").into_bytes();
    for bytes in [wide, marked, plain] {
        let (status, text) = rig.post("application/soap+xml", bytes).await.unwrap();
        assert_eq!(status, 200, "{text}");
        assert_eq!(rig.inbox.arrivals().pop().unwrap().1.payload, element.as_bytes());
    }
}

#[tokio::test]
async fn what_is_declared_around_the_element_is_declared_on_it_where_it_is_used() {
    let rig = Rig::start().await;
    let ns = Version::V11.namespace();
    let token = token("so-xay-dung", "right");
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"{ns}\" xmlns:xsi=\"urn:xsi\" xmlns:xsd=\"urn:xsd\" \
         xmlns:x=\"urn:hidden\" xmlns=\"urn:default\"><soap:Header>{token}</soap:Header>\
         <soap:Body xmlns:x='urn:x'><!-- trước --><x:Nop><a xsi:type=\"xsd:int\">1</a></x:Nop>\
         </soap:Body></soap:Envelope>"
    );
    assert_eq!(rig.call(Version::V11, envelope).await.0, 200);
    let payload = rig.inbox.arrivals().pop().unwrap().1.payload;
    let payload = std::str::from_utf8(&payload).unwrap();
    let block = tree(payload);
    assert!(block.name.is("urn:x", "Nop"), "{payload}");
    assert!(block.children[0].name.is("urn:default", "a"), "{payload}");
    assert_eq!(block.children[0].attribute("urn:xsi", "type"), Some("xsd:int"));
    assert!(payload.contains("xmlns:xsd=\"urn:xsd\"") && !payload.contains("soap"), "{payload}");
}

#[tokio::test]
async fn depth_headers_and_size_have_limits_that_are_named() {
    let rig = Rig::start().await;
    let deep = format!("<Nop xmlns=\"urn:x\">{}{}</Nop>", "<a>".repeat(64), "</a>".repeat(64));
    is_refused(&rig, good(Version::V11, &deep), "limit-exceeded").await;
    let many = token("so-xay-dung", "right") + &"<h xmlns=\"urn:h\"/>".repeat(1000);
    is_refused(&rig, envelope(Version::V11, &many, NOP), "limit-exceeded").await;
    let long = token("so-xay-dung", &"a".repeat(100_000));
    is_refused(&rig, envelope(Version::V11, &long, NOP), "limit-exceeded").await;
    let large = good(Version::V11, &format!("<Nop xmlns=\"urn:x\">{}</Nop>", "a".repeat(5 << 20)));
    is_refused(&rig, large, "payload-too-large").await;
    assert!(rig.inbox.arrivals().is_empty());
}

#[tokio::test]
async fn a_key_may_stand_in_the_header_of_http_and_equal_bytes_need_none() {
    let rig = Rig::start().await;
    let url = format!("http://{}/soap/{CHANNEL}", rig.address);
    let request = rig.client.post(url).header("Idempotency-Key", "k-1");
    let request = request.header("Content-Type", "text/xml").body(good(Version::V11, NOP));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(rig.call(Version::V11, good(Version::V11, NOP)).await.0, 200);
    let keys: Vec<_> = rig.inbox.arrivals().into_iter().map(|(_, one)| one.key).collect();
    assert_eq!(keys, [Some("k-1".to_owned()), None]);
}

#[tokio::test]
async fn the_wsdl_is_at_the_address_that_was_asked_and_nowhere_else() {
    let rig = Rig::start().await;
    let get = async |path: &str| {
        let request = rig.client.get(format!("http://{}{path}", rig.address));
        let answer = request.header("X-Forwarded-Proto", "https").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, wsdl) = get(&format!("/soap/{CHANNEL}?wsdl")).await;
    assert_eq!(status, 200);
    let definitions = tree(&wsdl);
    assert_eq!(definitions.attribute("", "targetNamespace"), Some("urn:x"));
    let location = format!("https://{}/soap/{CHANNEL}", rig.address);
    assert_eq!(wsdl.matches(&location).count(), 2, "{wsdl}");
    assert!(wsdl.contains("Sở Xây dựng &amp; hồ sơ"));
    for path in [format!("/soap/{CHANNEL}"), "/soap/so-y-te.ho-so?wsdl".to_owned()] {
        assert_eq!(get(&path).await.0, 404, "{path}");
    }
}

use proptest::prelude::*;

use super::*;
use crate::document::NodeKind;

fn steps(names: &[&str]) -> Vec<Step> {
    names.iter().map(|name| Step { name: (*name).to_owned(), namespace: None }).collect()
}

/// The node and what is under it, on one line.
fn show(document: &Document, id: NodeId) -> String {
    let inner: Vec<String> = document.children(id).map(|child| show(document, child)).collect();
    let mark = if document.kind(id) == NodeKind::Attribute { "@" } else { "" };
    let nil = if document.is_nil(id) { "!" } else { "" };
    let inner = if inner.is_empty() { String::new() } else { format!("({})", inner.join(" ")) };
    format!("{mark}{}{nil}={}{inner}", document.name(id), document.text(id))
}

fn run_steps(source: &str, each: &[Step]) -> (Vec<String>, Result<(), Fault>) {
    let mut out = Vec::new();
    let format = Format::Xml(XmlOptions::default());
    let ended = format.read(source, each, &Limits::default(), &mut |record| {
        let (document, id) = record.unwrap();
        assert_eq!(source.as_bytes()[document.offset(id)], b'<');
        out.push(show(document, id));
    });
    (out, ended)
}

fn run(source: &str, each: &[&str]) -> (Vec<String>, Result<(), Fault>) {
    run_steps(source, &steps(each))
}

fn whole(source: &str) -> String {
    let (records, ended) = run(source, &[]);
    ended.unwrap();
    records.concat()
}

fn refused(source: &str) -> FaultKind {
    match run(source, &[]).1 {
        Err(fault) => fault.kind,
        Ok(()) => panic!("{source}"),
    }
}

#[test]
fn text_is_joined_in_order() {
    assert_eq!(whole("<a>a &amp; b<![CDATA[<c>]]>d</a>"), "a=a & b<c>d");
    assert_eq!(whole("<a>1<b>2</b>3<!-- x -->4<?p q?>&#x1ea5;&#65;</a>"), "a=134ấA(b=2)");
    assert_eq!(whole("<a>\r\n <b> x\r\ny\r </b>\n</a>"), "a=(b= x\ny\n )");
    assert_eq!(whole("<a> </a>"), "a= ");
    assert_eq!(whole("<?xml version='1.0' encoding='utf-16'?>\n<a/>\n<!-- x -->"), "a=");
}

#[test]
fn attributes_are_children() {
    let source = "<a x = '1 &lt;&#10;' y=\"a\n'b\" xml:lang='vi' xmlns:p='u' p:x='2'><b/></a>";
    assert_eq!(whole(source), "a=(@x=1 <\n @y=a 'b @lang=vi @x=2 b=)");
    let nil = format!("<a xmlns:i='{}'><b i:nil='true'/><c nil='true'/></a>", XSI);
    assert_eq!(whole(&nil), "a=(b!=(@nil=true) c=(@nil=true))");
}

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

#[test]
fn namespaces_are_resolved() {
    let source = "<s:E xmlns:s='soap'><s:B><R xmlns='n'><H>1</H><x:H xmlns:x='o'>2</x:H></R>\
                  <R xmlns=''><H>3</H></R></s:B></s:E>";
    assert_eq!(run(source, &["E", "B", "R", "H"]).0, ["H=1", "H=2", "H=3"]);
    for (namespace, expected) in [("n", "H=1"), ("o", "H=2"), ("", "H=3")] {
        let mut each = steps(&["E", "B", "R", "H"]);
        each[0].namespace = Some("soap".into());
        each[3].namespace = Some(namespace.into());
        assert_eq!(run_steps(source, &each).0, [expected]);
    }
    assert_eq!(run(source, &["E", "X", "R"]).0, [""; 0]);
    assert_eq!(run(source, &["*", "*", "R"]).0, ["R=(H=1 H=2)", "R=(H=3)"]);
}

#[test]
fn what_is_not_xml_is_refused() {
    let bad = [
        "",
        " ",
        "x",
        "<",
        "<a",
        "<a>",
        "<a><b></a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a/>&amp;",
        "<a/><![CDATA[x]]>",
        "<a x='1' x='2'/>",
        "<a x/>",
        "<a x=1/>",
        "<a x='1/>",
        "<a x='1'y='2'/>",
        "<a x='<'/>",
        "<p:a/>",
        "<a p:x='1'/>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#;</a>",
        "<a>&#+5;</a>",
        "<a>&amp</a>",
        "<a>& b</a>",
        "<a>\u{0}</a>",
        "<a>\u{1}</a>",
        "<a>\u{ffff}</a>",
        "<a>]]></a>",
        "<1a/>",
        "<a:b:c/>",
        "<:a/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xmlns='x'/>",
        "<a xmlns:xml='x'/>",
        "<a><!-- -- --></a>",
        "<a><!-- x</a>",
        "<a><![CDATA[x</a>",
        " <?xml version='1.0'?><a/>",
        "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>",
        "<a xmlns='u' xmlns='v'/>",
        "<a x='&'/>",
        "<a></a x='1'>",
        "<>x</>",
        "< a/>",
        "\u{feff}<a/>",
        "<a>&a b;</a>",
    ];
    for source in bad {
        assert_eq!(refused(source), FaultKind::NotTheFormat, "{source:?}");
    }
}

#[test]
fn declared_markup_is_forbidden() {
    let bad = [
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<a>&nbsp;</a>",
        "<a x='&x;'/>",
        "<!DOCTYPE a [",
        "<!doctype a><a/>",
        "<!DOCTYPE>",
        "<a><!DOCTYPE b></a>",
    ];
    for source in bad {
        assert_eq!(refused(source), FaultKind::ForbiddenMarkup, "{source:?}");
    }
}

#[test]
fn limits_are_kept() {
    let limit = |source: &str| match refused(source) {
        FaultKind::LimitExceeded { limit, .. } => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(limit(&"<a>".repeat(100_000)), "depth_max");
    assert_eq!(whole(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64))).len(), 64 * 4 - 2);
    let many = |count| (0..count).map(|n| format!(" x{n}='1'")).collect::<String>();
    assert_eq!(limit(&format!("<a{}/>", many(257))), "attributes_max");
    assert!(run(&format!("<a{}/>", many(256)), &[]).1.is_ok());
    assert_eq!(limit(&format!("<a>{}</a>", "<b/>".repeat(66_000))), "nodes_per_record_max");
    assert_eq!(limit(&format!("<a>{}</a>", "x".repeat(17 << 20))), "text_bytes_max");
    let spaces: String = (0..300).map(|n| format!("<b xmlns='u{n}'/>")).collect();
    assert_eq!(limit(&format!("<a>{spaces}</a>")), "namespaces");
    assert!(run(&format!("<a>{spaces}</a>"), &["a", "b"]).1.is_ok());
    // Of one namespace, level by level: each name would be looked for among thousands.
    let bound = |level: u32| (0..100).map(move |n| format!(" xmlns:p{level}-{n}='u'"));
    let levels = |count| (0..count).map(|level| format!("<a{}>", bound(level).collect::<String>()));
    assert_eq!(limit(&levels(3).collect::<String>()), "namespaces");
    let two = levels(2).collect::<String>() + "</a></a>";
    assert!(run(&two, &[]).1.is_ok());
}

#[test]
fn the_arena_stays_small() {
    let row = "<r k='1'><x>abc</x><y xmlns='u'>d</y></r>\n   ";
    let source = format!("<a>\n<p>7</p>{}</a>", row.repeat(10_000));
    let (mut seen, mut most) = (0, 0);
    Format::Xml(XmlOptions::default())
        .read(&source, &steps(&["a", "r"]), &Limits::default(), &mut |record| {
            let (document, id) = record.unwrap();
            assert_eq!(show(document, id), "r=(@k=1 x=abc y=d)");
            let shown = show(document, document.parent(id).unwrap());
            assert_eq!(shown, "a=(p=7 r=(@k=1 x=abc y=d))");
            seen += 1;
            most = most.max(document.node_count() + document.text_bytes());
        })
        .unwrap();
    assert_eq!(seen, 10_000);
    assert!(most < 30, "{most}");
}

#[test]
fn records_before_a_fault_are_handed_over() {
    let (records, ended) = run("<a><r>1</r><r>2</r><r>&x;</r></a>", &["a", "r"]);
    assert_eq!(records, ["r=1", "r=2"]);
    let fault = ended.unwrap_err();
    assert_eq!((fault.kind, fault.offset), (FaultKind::ForbiddenMarkup, 22));
}

proptest! {
    #[test]
    fn never_panics(source in "\\PC*") {
        let _ = run(&source, &["a"]);
    }

    #[test]
    fn never_panics_on_xml_like(
        pieces in proptest::collection::vec("<a>|</a>|<b x='1'/>|<|>|&|;|&#x4;|&amp;|ấ|\r|<!--|-->|\
            <!\\[CDATA\\[|\\]\\]>|<\\?xml|\\?>|<!DOCTYPE|\\[|\\]| |=|'|xmlns:a=|:", 0..20)
    ) {
        let source = pieces.concat();
        if let Err(fault) = run(&source, &["a"]).1 {
            prop_assert!(fault.offset <= source.len());
        }
    }
}

#[test]
fn a_soap_answer_with_default_namespaces() {
    let source = r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
        xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <soap:Body><LayDanhSachHoSoResponse xmlns="http://tempuri.org/"><HoSo>
        <MaHoSo>KHDT-2013-000102</MaHoSo><NgayTra xsi:nil="true" />
      </HoSo></LayDanhSachHoSoResponse></soap:Body></soap:Envelope>"#;
    let (records, ended) = run(source, &["Envelope", "Body", "LayDanhSachHoSoResponse", "HoSo"]);
    assert_eq!(records, ["HoSo=(MaHoSo=KHDT-2013-000102 NgayTra!=(@nil=true))"]);
    assert_eq!(ended, Ok(()));
}

/// What holds the records must be there; that it holds none is fine.
#[test]
fn what_holds_the_records_must_be_there() {
    let each = ["A", "B", "C"];
    for source in ["<A><B/></A>", "<A><B><D/></B></A>", "<A><D/><B></B></A>"] {
        assert_eq!(run(source, &each), (vec![], Ok(())), "{source}");
    }
    for source in ["<A/>", "<D><B><C/></B></D>", "<A><D><B><C/></B></D></A>", "<A><b/></A>"] {
        let (records, ended) = run(source, &each);
        let path = "A/B/C".to_owned();
        assert_eq!(ended.unwrap_err().kind, FaultKind::ListAbsent { path }, "{source}");
        assert_eq!(records, [] as [String; 0]);
    }
    assert!(run("<D/>", &["A"]).1.is_err(), "the root is what is declared");
}

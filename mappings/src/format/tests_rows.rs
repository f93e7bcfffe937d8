use super::*;

fn run(source: &str, copied: bool) -> (Vec<String>, Result<(), Fault>) {
    let mut out = Vec::new();
    let format = Format::Rows(RowsOptions { columns: vec!["id".into(), "ten".into()], copied });
    let ended = format.read(source, &[], &Limits::default(), &mut |record| match record {
        Ok((document, id)) => {
            let shown: Vec<_> = document
                .children(id)
                .map(|f| format!("{}={}", document.name(f), document.text(f)))
                .collect();
            out.push(shown.join("|"));
        }
        Err(fault) => {
            out.push(format!("! {:?} {}", line_column(source, fault.offset), fault.detail))
        }
    });
    (out, ended)
}

#[test]
fn rows_come_as_an_array_or_a_line_each() {
    let rows = ["{\"id\":1,\"ten\":\"a\"}", "{\"ten\":null,\"x\":2,\"id\":3}"];
    let told = ["id=1|ten=a", "ten=null|x=2|id=3"];
    for source in [format!(" [{}\n, {}]", rows[0], rows[1]), rows.join("\n"), rows.join("\r\n\n")] {
        assert_eq!(run(&source, false), (told.map(str::to_owned).to_vec(), Ok(())), "{source}");
    }
    assert_eq!(run("[]", false), (vec![], Ok(())));
}

#[test]
fn a_row_of_another_query_is_refused_alone() {
    let source = "{\"id\":1}\n[1]\n7\n{\"id\":1,\"ten\":\"a\"}\n{\"id\":1,\"id\":2}\n";
    let told = [
        "! (1, 1) the row has no column \"ten\"",
        // The item of an array is a row, and this one is none.
        "! (2, 2) a row is an object of its columns",
        "! (3, 1) a row is an object of its columns",
        "id=1|ten=a",
        "! (5, 9) the key \"id\" is there twice",
    ];
    assert_eq!(run(source, false), (told.map(str::to_owned).to_vec(), Ok(())));
    let (told, ended) = run("[{\"id\":1,\"ten\":2},5,{\"id\":1", false);
    assert_eq!(told.len(), 2);
    assert_eq!(ended.unwrap_err().kind, FaultKind::NotTheFormat);
}

#[test]
fn what_copy_has_escaped_is_read_as_it_was() {
    // COPY writes each backslash of the JSON text twice.
    let source = r#"{"id":1,"ten":"a\\nb \\"c\\" \\\\ \\u0111 \\ud83d\\ude00"}"#;
    assert_eq!(run(source, true).0, ["id=1|ten=a\nb \"c\" \\ đ 😀"]);
    let told = run("{\"id\":1,\"ten\":\"a\\nb\"}", true).0;
    assert_eq!(told, ["! (1, 17) a backslash that does not stand twice"]);
}

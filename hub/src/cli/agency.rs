//! `lienthong infer` and `lienthong agency`: from a sample file to a folder that works.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use contracts::Contracts;
use mappings::infer::Proposal;
use serde_json::json;

use super::{Exit, Folder, apply, find, simulate, test};
use crate::{catalog::Catalog, container::sample::infer};

/// The one channel of a new agency: dossiers (hồ sơ).
const CHANNEL: &str = "ho-so";

/// Largest sample, in bytes; a few records say as much as a million.
const SAMPLE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make the folder of a new agency: a proposed mapping, a fixture from its sample, a checklist.
    New(New),
    /// Send what an agency's system would: messages without end, at the pace of people, with their
    /// mistakes.
    Simulate(Box<simulate::Options>),
}

/// A new agency.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Its id: lower-case letters, digits and dashes, such as so-y-te.
    id: String,
    /// Its name.
    #[arg(long)]
    name: String,
    /// Its name in English.
    #[arg(long)]
    name_en: String,
    /// A file as the agency's system writes it: JSON, XML, CSV, columns of fixed width, a workbook,
    /// a zip archive or a SQL dump.
    #[arg(long)]
    sample: PathBuf,
    /// The table of a SQL dump, or the one that JSON rows are of.
    #[arg(long)]
    table: Option<String>,
    #[command(flatten)]
    folder: Folder,
}

/// A sample's payload, as the channel will be given it, and what is proposed.
fn proposal(
    sample: &Path,
    table: Option<&str>,
    agency: &str,
) -> Result<(Vec<u8>, Proposal), String> {
    let unread = |error: io::Error| format!("failed to read {}: {error}", sample.display());
    let length = fs::metadata(sample).map_err(unread)?.len();
    if length > SAMPLE_BYTES_MAX {
        return Err(format!(
            "Tệp mẫu lớn hơn {0} MB; cắt lấy vài chục bản ghi là đủ. \
             (The sample is larger than {0} MB; a few dozen records are enough.)",
            SAMPLE_BYTES_MAX >> 20
        ));
    }
    let bytes = fs::read(sample).map_err(unread)?;
    let mut found =
        infer(&bytes, agency, table).map_err(|error| format!("{}: {error}", sample.display()))?;
    let bytes = found.payload.take().unwrap_or(bytes);
    Ok((bytes, found))
}

/// `infer`: the proposed mapping on stdout, what a person must look at on stderr.
pub(super) fn proposed(
    (sample, table): (&Path, Option<&str>),
    agency: &str,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let found = match proposal(sample, table, agency) {
        Ok((_, found)) => found,
        Err(words) => {
            writeln!(err, "{words}")?;
            return Ok(Exit::Faulty);
        }
    };
    out.write_all(found.mapping.as_bytes())?;
    for (name, table) in &found.tables {
        writeln!(out, "\n# tables/{name}.csv")?;
        for line in table.lines() {
            writeln!(out, "# {line}")?;
        }
    }
    if let Some(transport) = &found.transport {
        writeln!(out, "\n# agency.toml, [channels.{CHANNEL}]")?;
        for line in transport.lines() {
            writeln!(out, "{}", format!("# {line}").trim_end())?;
        }
    }
    for [vi, en] in &found.questions {
        writeln!(err, "? {vi}\n  ({en})")?;
    }
    Ok(Exit::Done)
}

pub(super) fn run(action: &Action, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let new = match action {
        Action::New(new) => new,
        Action::Simulate(options) => return simulate::run(options, out, err),
    };
    let faulty = |err: &mut dyn Write, words: &str| -> io::Result<Exit> {
        writeln!(err, "{words}")?;
        Ok(Exit::Faulty)
    };
    let letters = |id: &str| {
        id.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-')
    };
    if !new.id.starts_with(|first: char| first.is_ascii_lowercase()) || !letters(&new.id) {
        let words = format!(
            "`{}` không dùng làm mã cơ quan được: chỉ chữ thường không dấu, chữ số và gạch nối, \
             như so-y-te. (It is no id of an agency: lower-case letters, digits and dashes.)",
            new.id
        );
        return faulty(err, &words);
    }
    let folder = new.folder.mappings.join(&new.id);
    if folder.exists() {
        let words = format!(
            "{} đã có; không ghi đè. (It is there already and is left as it is.)",
            folder.display()
        );
        return faulty(err, &words);
    }
    let (bytes, found) = match proposal(&new.sample, new.table.as_deref(), &new.id) {
        Ok(found) => found,
        Err(words) => return faulty(err, &words),
    };
    write_folder(&folder, new, &bytes, &found)?;
    tried(&folder, new, &bytes, &found, out, err)
}

fn write_folder(folder: &Path, new: &New, bytes: &[u8], found: &Proposal) -> io::Result<()> {
    let fixtures = folder.join("fixtures").join(CHANNEL);
    fs::create_dir_all(&fixtures)?;
    fs::create_dir_all(folder.join("tables"))?;
    // A TOML text may hold any JSON text.
    let text = |text: &str| json!(text).to_string();
    let agency = format!(
        "id = {}\nname = {}\nname_en = {}\n\n\
         [channels.{CHANNEL}]\nmapping = \"{CHANNEL}.toml\"\n{}",
        text(&new.id),
        text(&new.name),
        text(&new.name_en),
        found.transport.as_deref().unwrap_or_default()
    );
    fs::write(folder.join("agency.toml"), agency)?;
    fs::write(folder.join(format!("{CHANNEL}.toml")), &found.mapping)?;
    for (name, table) in &found.tables {
        fs::write(folder.join("tables").join(format!("{name}.csv")), table)?;
    }
    fs::write(fixtures.join(format!("sample.in.{}", found.extension)), bytes)?;
    fs::write(folder.join("CHECKLIST.md"), checklist(new, found))
}

/// Runs the sample through the new mapping, keeps what comes of it as the fixture, and tells.
fn tried(
    folder: &Path,
    new: &New,
    bytes: &[u8],
    found: &Proposal,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    writeln!(out, "{}", folder.display())?;
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let catalog = match Catalog::load(&new.folder.mappings, &contracts) {
        Ok(catalog) => catalog,
        Err(faults) => {
            for fault in &faults {
                writeln!(err, "{fault}")?;
            }
            return Ok(Exit::Faulty);
        }
    };
    let channel = format!("{}.{CHANNEL}", new.id);
    let Some(channel) = find(&catalog, &channel, err)? else { return Ok(Exit::Faulty) };
    let (mut drafts, mut problems, mut refused) = (Vec::new(), Vec::new(), 0);
    apply::sealed(channel, &contracts, bytes, &mut |_, outcome| match outcome {
        Ok(found) => drafts.extend(found.iter().map(|draft| json!(draft))),
        Err(found) => {
            refused += 1;
            problems.extend(found);
        }
    })?;
    let case = folder.join("fixtures").join(CHANNEL).join(format!("sample.in.{}", found.extension));
    test::keep(&case, "out", &json!(drafts))?;
    test::keep(&case, "refused", &json!(problems))?;
    writeln!(
        out,
        "{} bản ghi mẫu: {} được nhận, {refused} bị từ chối. \
         ({0} records in the sample: {1} accepted, {refused} refused.)",
        found.records,
        drafts.len()
    )?;
    for [vi, en] in &found.questions {
        writeln!(out, "? {vi}\n  ({en})")?;
    }
    let checklist = folder.join("CHECKLIST.md");
    writeln!(out, "Việc tiếp theo: {} (what to do next)", checklist.display())?;
    Ok(if drafts.is_empty() { Exit::PartlyRefused } else { Exit::Done })
}

fn checklist(new: &New, found: &Proposal) -> String {
    let mut text = format!(
        "# {} ({})\n\nViệc phải làm trước khi kênh chạy thật, đánh dấu từng việc khi xong.\n\
         (What to do before the channel goes live.)\n\n",
        new.name, new.id
    );
    let questions = found.questions.iter().map(|[vi, en]| [vi.as_str(), en.as_str()]);
    let steps = [
        [
            "Đọc từng dòng của ho-so.toml cùng người của cơ quan; sửa chỗ đoán sai.",
            "Read every line of ho-so.toml with someone of the agency; mend wrong guesses.",
        ],
        [
            "Thay tên, số giấy tờ, điện thoại, địa chỉ thật trong fixtures/ho-so bằng dữ liệu giả.",
            "Put invented persons in the place of real ones in fixtures/ho-so.",
        ],
        [
            "Ghi kênh nộp đúng: online, counter hay post.",
            "Say how dossiers are filed: online, counter or post.",
        ],
        [
            "Chạy `lienthong check` và `lienthong test` cho đến khi không còn lỗi.",
            "Run `lienthong check` and `lienthong test` until nothing is left.",
        ],
        [
            "Cấp khóa (`lienthong key new agency:…`) và gửi thử; xem kết quả ở /console.",
            "Make a key and send the sample; see what came of it on /console.",
        ],
    ];
    for [vi, en] in questions.chain(steps) {
        text.push_str(&format!("- [ ] {vi}\n      ({en})\n"));
    }
    text
}

//! `bench search` (P8): procedures by words, beside a bare server that answers the same bytes, over
//! a catalogue as large as a province's and over one ten times as large.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use contracts::{
    Contracts,
    procedure::{OnlineLevel, Procedure},
};
use serde_json::json;

use super::{
    BenchError, Table,
    bare::Bare,
    child::{self, Hub, Keys, Scratch},
    clock,
    load::{self, Load, Script, Taken, Watched},
    note_others, seconds,
    storage::Storage,
    wire,
    workload::Random,
};
use crate::{
    catalogue::load as load_catalogue,
    hub::HubError,
    registry::{Catalogue, catalogue::Field},
};

/// Words of names; each procedure has one of each list, and a number that makes it itself.
const ACTS: [&str; 8] =
    ["Cấp", "Cấp lại", "Cấp đổi", "Gia hạn", "Thu hồi", "Điều chỉnh", "Đăng ký", "Công bố"];
const PAPERS: [&str; 8] = [
    "giấy phép",
    "giấy chứng nhận",
    "chứng chỉ hành nghề",
    "quyết định",
    "văn bản chấp thuận",
    "thẻ",
    "hồ sơ",
    "phương án",
];
const MATTERS: [&str; 12] = [
    "xây dựng công trình",
    "khai thác khoáng sản",
    "hoạt động bến thủy nội địa",
    "quyền sử dụng đất",
    "khám bệnh, chữa bệnh",
    "kinh doanh vận tải",
    "an toàn thực phẩm",
    "lao động nước ngoài",
    "hòa giải viên",
    "xuất bản bản tin",
    "khai sinh",
    "hộ kinh doanh",
];
const PLACES: [&str; 6] = [
    "cấp tỉnh",
    "trong khu công nghiệp",
    "có yếu tố nước ngoài",
    "đối với tổ chức",
    "đối với cá nhân",
    "trên địa bàn một huyện",
];

/// What people type: begun, in another order, without tones, misspelt, filtered, nothing; and a
/// whole name.
const TYPED: [(&str, &str); 7] = [
    ("one letter", "q=c"),
    ("no words, all facets", ""),
    ("two words", "q=gi%E1%BA%A5y+ph%C3%A9p"),
    ("words without tones", "q=khai+thac+khoang+san"),
    ("words with a filter", "q=dang+ky&level=commune&online_level=3"),
    ("misspelt", "q=giayphep+xay+dugn+cogn"),
    ("nothing there", "q=qwertyuiop+zxcvbnmasd"),
];

/// How much, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Procedures, in one catalogue after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [2_000, 20_000],
          value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) procedures: Vec<u32>,
    /// The procedures of this catalogue's folder instead, such as the province's.
    #[arg(long, value_name = "FOLDER", conflicts_with = "procedures")]
    pub(crate) catalogue: Option<PathBuf>,
    /// So many times, in one catalogue after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10], requires = "catalogue",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) times: Vec<u32>,
    /// Connections, each with one question under way.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) connections: u32,
    /// Seconds for each question and size.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let catalogues = catalogues(seed, options)?;
    let sizes = catalogues.iter().map(|one| one.procedures.len().to_string());
    let mut table = Table::new(format!(
        "bench search: {} procedures, {} connections, {:.1} s a question, seed {seed}",
        sizes.collect::<Vec<_>>().join(" and "),
        options.connections,
        options.seconds
    ));
    let mut others: f64 = 0.0;
    for catalogue in catalogues {
        let scratch = Scratch::new(None)?;
        let storage = Storage::File(scratch.folder.join("hub.db"));
        let size = catalogue.procedures.len();
        let mut questions: Vec<(&str, String)> =
            TYPED.map(|(name, query)| (name, format!("/v1/procedures?{query}"))).to_vec();
        if let Some(one) = catalogue.procedures.get(size / 2) {
            questions.push(("a whole name", ask(&one.name)?));
        }
        let content = catalogue.content();
        child::at_store(&storage, async |store| {
            store.publish(content).await?;
            Ok(())
        })?;
        let hub = Hub::start(&scratch.folder, &storage, &Keys::add(&storage)?)?;
        table.line(format!("{size}: start to first answer"), hub.start_seconds * 1_000.0, "ms");
        table.line(format!("{size}: memory of the hub"), clock::memory(hub.process()), "MB");
        for (name, path) in questions {
            let taken = question(&mut table, options, &hub, (&format!("{size}: {name}"), path))?;
            others = others.max(taken);
        }
    }
    note_others(&mut table, others);
    Ok(table)
}

/// The address that asks for a text.
fn ask(text: &str) -> Result<String, BenchError> {
    let url = reqwest::Url::parse_with_params("http://hub/v1/procedures", [("q", text)]);
    let url = url.map_err(|error| BenchError::Damaged(error.to_string()))?;
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

/// What is measured one after the other.
fn catalogues(seed: u64, options: &Options) -> Result<Vec<Catalogue>, BenchError> {
    let Some(folder) = &options.catalogue else {
        return Ok(options.procedures.iter().map(|size| catalogue(seed, *size)).collect());
    };
    let contracts = Contracts::builtin().map_err(|error| BenchError::Damaged(error.to_string()))?;
    let one = load_catalogue(folder, &contracts).map_err(HubError::Faulty)?;
    Ok(options.times.iter().map(|times| repeated(&one, *times)).collect())
}

/// A catalogue with its procedures so many times, each under a name and a code of its own.
fn repeated(one: &Catalogue, times: u32) -> Catalogue {
    let mut catalogue = one.clone();
    for time in 1..times {
        let copies = one.procedures.iter().enumerate().map(|(at, procedure)| Procedure {
            name: format!("{} {time}", procedure.name),
            code: Some(format!("9.{:06}", at + one.procedures.len() * time as usize)),
            ..procedure.clone()
        });
        catalogue.procedures.extend(copies);
    }
    catalogue
}

/// A catalogue of invented procedures.
fn catalogue(seed: u64, count: u32) -> Catalogue {
    let agency = |number: usize| {
        json!({ "id": format!("so-{number}"), "name_vi": format!("Sở thử nghiệm {number}"),
                "name_en": format!("Test department {number}"), "kind": "department" })
    };
    let agencies = (0..32).filter_map(|number| serde_json::from_value(agency(number)).ok());
    let fields = MATTERS.iter().enumerate().map(|(number, name)| Field {
        id: format!("linh-vuc-{number}"),
        name: (*name).to_owned(),
        agencies: Vec::new(),
    });
    let mut random = Random::new(seed, 0);
    let mut one = |words: &[&'static str]| words[random.below(words.len() as u64) as usize];
    let procedures = (0..count).map(|number| {
        let matter = one(&MATTERS);
        let name = format!("{} {} {matter} {} {number}", one(&ACTS), one(&PAPERS), one(&PLACES));
        let told = OnlineLevel {
            scheme: "nd43".to_owned(),
            level: "3".to_owned(),
            valid_from: None,
            valid_to: None,
        };
        Procedure {
            code: Some(format!("1.{number:06}")),
            suffix: None,
            source_code: None,
            agency: format!("so-{}", number % 32),
            name,
            field: Some(matter.to_owned()),
            level: one(&["province", "district", "commune"]).to_owned(),
            online_levels: if number % 3 == 0 { vec![told] } else { Vec::new() },
            deadline: None,
            fee: None,
            fees: Vec::new(),
            components: Vec::new(),
            sets: None,
            ways: Vec::new(),
            steps: Vec::new(),
            applicants: Vec::new(),
            conditions: Vec::new(),
            results: Vec::new(),
            legal_basis: Vec::new(),
            valid_from: None,
            valid_to: None,
            reviewed_at: None,
            one_stop: None,
            internal_process: None,
            source_version: None,
        }
    });
    Catalogue {
        procedures: procedures.collect(),
        agencies: agencies.collect(),
        fields: fields.collect(),
        ..Catalogue::default()
    }
}

/// Measures one question; gives how busy the machine was otherwise.
fn question(
    table: &mut Table,
    options: &Options,
    hub: &Hub,
    (name, path): (&str, String),
) -> Result<f64, BenchError> {
    let (status, _, body) = hub.get(&path)?;
    if status != 200 {
        let told = String::from_utf8_lossy(&body).into_owned();
        return Err(BenchError::Refused(format!("{path}: {status} {told}")));
    }
    let bare = Bare::start(body)?;
    let time = seconds(options.seconds);
    let key = hub.keys.portal.clone();
    let script: Arc<Script> = Arc::new(move |_, out| wire::get(&path, &key, out));
    let load = |address, time: Duration| Load {
        addresses: vec![address],
        connections: options.connections,
        warm: (time / 5).min(Duration::from_millis(500)),
        time,
        first: 0,
        end: None,
        script: script.clone(),
    };
    let floor: Taken = load::run(load(bare.address, time / 4), &Watched::default(), &mut |_| {})?;
    let watched = Watched { hubs: vec![hub.process()], ..Watched::default() };
    let taken = load::run(load(hub.address, time), &watched, &mut |_| {})?;
    table.against((name, taken.rate(), "req/s"), ("bare axum", floor.rate()));
    table.line(format!("{name}, p50"), taken.quantile(0.5), "ms");
    table.line(format!("{name}, p99"), taken.quantile(0.99), "ms");
    let cpu = taken.each(taken.hub.cpu_seconds * 1e6);
    table.line(format!("{name}, CPU of the hub"), cpu, "µs/req");
    Ok(taken.others)
}

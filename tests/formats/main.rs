//! What pulmo writes stands in `docs/formats.md`, field by field, and what stands there it writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, and its values are small"
)]

mod page;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use page::Page;
use pulmo::findings::{
    Cause, LungThird, NoduleFinding, NoduleKind, Observation, Provenance, Pseudonyms, Remedy, ScanOrigin,
    Setback, Side, Stage, Verdict,
};
use pulmo::report::{NoduleTable, observation_line};
use pulmo_forge::ct::{self, CtSlice, chest};
use pulmo_forge::discs::{RECIPE, discs};
use pulmo_forge::load::with;
use serde_json::Value;

/// What these runs cannot write: a GPU's figures, networks that take long, what goes wrong; `*` stands for any end.
const NOT_HERE: &[(&str, &str)] = &[
    ("An adapter", "*"),
    ("bench", "machine.adapter.*"),
    ("bench", "steps[].passes[].*"),
    ("bench", "handover.*"),
    ("devices", "adapters[].*"),
    ("inspect", "cross_check.first_difference.*"),
    ("inspect", "cross_check.refused[].*"),
    ("results.jsonl", "poison.*"),
    ("recipe.toml", "chain.step[].to.*"),
    ("recipe.toml", "network.encoder.architecture"),
    ("recipe.toml", "network.encoder.squeeze_excitation"),
    ("recipe.toml", "network.encoder.stochastic_depth"),
    ("recipe.toml", "optimizer.momentum"),
    ("run.toml", "peak_memory_mib"),
];

/// Cases of the data set.
const CASES: usize = 72;

/// A folder with a data set and all that commands made of it.
struct Bench {
    folder: tempfile::TempDir,
    page: Page,
}

impl Bench {
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Runs a command; names that begin with `@` are paths in the folder.
    fn run(&self, exit: i32, command: &str) -> Output {
        let filled = |word: &str| word.strip_prefix('@').map_or(word.to_owned(), |name| self.path(name));
        let arguments: Vec<String> = command.split_whitespace().map(filled).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{command}\n{said}");
        output
    }

    /// Checks each line of a command's output.
    fn lines(&mut self, format: &str, output: &Output) {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(!text.is_empty(), "{format}");
        text.lines().for_each(|line| self.page.check(format, &serde_json::from_str(line).unwrap()));
    }

    /// Checks a command's output as one document.
    fn document(&mut self, format: &str, output: &Output) -> Value {
        let document = serde_json::from_slice(&output.stdout).unwrap();
        self.page.check(format, &document);
        document
    }

    /// Checks every file below a folder that commands filled.
    fn files(&mut self, folder: &str) {
        let mut open = vec![PathBuf::from(self.path(folder))];
        while let Some(here) = open.pop() {
            for entry in std::fs::read_dir(here).unwrap().map(Result::unwrap) {
                match entry.path().is_dir() {
                    true => open.push(entry.path()),
                    false => self.file(&entry.path(), None),
                }
            }
        }
    }

    /// Checks a file; `format` where its name does not tell.
    fn file(&mut self, path: &Path, format: Option<&str>) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if format.is_none() {
            self.page.check_file(name);
        }
        let format = format.unwrap_or(if name == "best.toml" { "recipe.toml" } else { name });
        let ending = path.extension().unwrap().to_str().unwrap();
        if !["json", "toml", "csv"].contains(&ending) {
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        match ending {
            "json" => self.page.check(format, &serde_json::from_str(&text).unwrap()),
            "toml" => {
                let table: toml::Table = text.parse().unwrap();
                self.page.check(format, &serde_json::to_value(table).unwrap());
            }
            _ => {
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let columns = reader.headers().unwrap().iter();
                let row = columns.map(|column| (column.to_owned(), Value::Null)).collect();
                self.page.check(format, &Value::Object(row));
            }
        }
    }
}

/// A manifest with splits and a column more, and one of which much is wrong.
fn data(bench: &Bench) {
    let manifest = discs(&bench.folder.path().join("data"), CASES);
    let text = std::fs::read_to_string(&manifest).unwrap();
    let mut rows = text.lines();
    let mut whole = format!("{},split,site\n", rows.next().unwrap());
    for (index, row) in rows.enumerate() {
        let split = ["train", "val", "test"][index / 4 % 3];
        whole += &format!("{row},{split},{}\n", ["north", "south"][index / 2 % 2]);
    }
    bench.write("data/whole.csv", &whole);
    std::fs::copy(bench.path("data/0.npy"), bench.path("data/copy.npy")).unwrap();
    bench.write("data/broken.npy", "no array");
    let wrong = "copy.npy,disc,p0,test,north\nbroken.npy,disc,p99,test,north\n";
    bench.write("data/wrong.csv", &(whole + wrong));
}

/// A scan that says all that pulmo tells or names.
fn personal(slice: &mut CtSlice) {
    for (tag, vr, text) in [
        ((0x0008, 0x0022), "DA", "20240229"),
        ((0x0008, 0x0070), "LO", "Maker"),
        ((0x0008, 0x1090), "LO", "Model"),
        ((0x0010, 0x0020), "LO", "4711"),
        ((0x0018, 0x0060), "DS", "120"),
        (ct::KERNEL, "SH", "B30f"),
        (ct::SLICE_THICKNESS, "DS", "5"),
    ] {
        slice.text(tag, vr, text);
    }
}

/// A scan, a picture and a file that is neither, each in a folder of its own.
fn scans(bench: &Bench) {
    for name in ["scans", "scans/ct", "scans/bad", "scans/picture"] {
        std::fs::create_dir(bench.path(name)).unwrap();
    }
    ct::write_all(&with(chest(60, -30.0, 5.0), personal), &bench.folder.path().join("scans/ct"));
    bench.write("scans/bad/bad.dcm", "no DICOM");
    let picture = GrayImage::from_fn(24, 24, |x, y| Luma([(x * y % 251) as u8]));
    picture.save(bench.path("scans/picture/a.png")).unwrap();
    bench.write("key", "a key of 32 bytes, not at random");
}

fn trained(bench: &mut Bench) {
    let short = RECIPE.replace("epochs = 6", "epochs = 2");
    let group = "\n[[group]]\nprefix = \"encoder\"\nlearning_rate_factor = 0.5\n";
    bench.write("recipe.toml", &(short.clone() + group));
    bench.write("views.toml", &(short.clone() + "loss = { contrastive = { temperature = 0.2 } }\n"));
    let weights = "class_weights = { given = [1.0, 2.0] }\n[domain]\nquantile = 1.0\n";
    bench.write("weighted.toml", &(short.clone() + weights));
    let ranges = "\n[tune]\ntrials = 8\neta = 2\nfirst_epochs = 1\n\n[tune.ranges]\n\
                  network.dropout = { from = 0.0, to = 0.3 }\ncourse.batch_size = { choices = [8, 12] }\n";
    bench.write("ranges.toml", &(short + ranges));
    for command in [
        "train --recipe @recipe.toml --data @data/whole.csv --out @out/bundle",
        "train --recipe @weighted.toml --data @data/whole.csv --out @out/again --init @out/bundle/weights.safetensors",
        "train --recipe @recipe.toml --data @data/whole.csv --out @out/folds --folds 2",
        "pretrain --recipe @views.toml --data @data/manifest.csv --out @out/views",
        "tune @data/whole.csv --recipe @ranges.toml --out @out/tuned --init @out/bundle/weights.safetensors",
    ] {
        bench.run(0, &format!("{command} --device cpu"));
    }
    bench.run(0, "ensemble @out/folds/fold-0 @out/folds/fold-1 --out @out/ensemble");
    handed_on(bench);
    bench.run(0, "plan @data/whole.csv --out @plan.toml");
    let plan = PathBuf::from(bench.path("plan.toml"));
    bench.file(&plan, Some("recipe.toml"));
    let events = std::fs::read_dir(bench.path("out/bundle")).unwrap().map(|entry| entry.unwrap().path());
    let events = events.into_iter().find(|path| path.to_string_lossy().contains("tfevents")).unwrap();
    let (events, text) =
        (std::fs::read(events).unwrap(), std::fs::read_to_string("docs/formats.md").unwrap());
    for tag in ["step/loss", "train/loss", "train/learning_rate", "validation/loss", "validation/roc_auc"] {
        assert!(events.windows(tag.len()).any(|bytes| bytes == tag.as_bytes()), "{tag}");
        assert!(text.contains(&format!("`{tag}`")), "{tag}");
    }
}

/// What other programs take: the names of inputs and outputs stand in a model as they are.
fn handed_on(bench: &mut Bench) {
    bench.run(0, "onnx --out @out/model.onnx");
    bench.run(0, "man --out @out/man");
    let model = std::fs::read(bench.path("out/model.onnx")).unwrap();
    let names: Vec<String> = bench.page.formats["ONNX"].iter().map(|field| field.name.clone()).collect();
    let text = |name: &str| [&[10, name.len() as u8], name.as_bytes()].concat();
    let has = |name: &String| model.windows(name.len() + 2).any(|bytes| bytes == text(name));
    assert!(names.iter().all(has), "{names:?}");
    let row = names.into_iter().map(|name| (name, Value::Null)).collect();
    bench.page.check("ONNX", &Value::Object(row));
    bench.file(Path::new("models/lung-nodule-phantom/capability.json"), None);
}

fn judged(bench: &mut Bench) {
    let everything =
        "--split test --choose-on val --by site --level patient --device cpu --allow-out-of-distribution";
    for name in ["bundle", "again"] {
        let folders = format!("--bundle @out/{name} --data @data/whole.csv --out @out/judged-{name}");
        bench.run(0, &format!("evaluate {folders} {everything}"));
    }
    for method in ["temperature", "isotonic"] {
        let folders = format!("--bundle @out/bundle --data @data/whole.csv --out @out/{method}");
        bench.run(
            0,
            &format!("calibrate {folders} --method {method} --device cpu --allow-out-of-distribution"),
        );
    }
    let tables = "@out/judged-bundle/predictions.csv @out/judged-again/predictions.csv";
    let compared = bench.run(0, &format!("compare --json {tables}"));
    bench.document("compare", &compared);
    bench.run(3, "audit @data/wrong.csv --out @out/audit");
}

fn looked_at(bench: &mut Bench) {
    let shipped = "predict --device cpu --allow-out-of-distribution --attention --key-file @key --heat-maps @out/maps @scans/ct @scans/bad";
    let output = bench.run(3, shipped);
    bench.lines("predict", &output);
    let pictures = "predict --device cpu --allow-out-of-distribution --bundle @out/bundle --heat-maps @out/maps @scans/picture @data/1.npy";
    let output = bench.run(0, pictures);
    bench.lines("predict", &output);
    for options in ["--hash --phi --cross-check", "--headers"] {
        let output = bench.run(0, &format!("inspect --json {options} @scans"));
        bench.lines("inspect", &output);
    }
    bench.file(Path::new("models/lung-nodule-phantom/bundle.toml"), None);
    let chain = "--chain models/lung-nodule-phantom/recipe.toml --out @x.npy --device cpu";
    let output = bench.run(0, &format!("preprocess @scans/ct {chain} --timings"));
    let said = String::from_utf8(output.stderr).unwrap();
    let timings = said.lines().find(|line| line.starts_with('{')).unwrap();
    bench.page.check("timings", &serde_json::from_str(timings).unwrap());
}

fn made(bench: &mut Bench) {
    bench.run(0, "demo --studies 2 --device cpu --out @out/demo");
    bench.run(0, "phantom --regions --studies 2 --out @out/regions");
    bench.run(0, "phantom --studies 1 --with arms-lowered --out @out/arms");
    bench.run(0, "bench --quick --device cpu --json @bench.json");
    let figures = PathBuf::from(bench.path("bench.json"));
    bench.file(&figures, Some("bench"));
    let devices = bench.run(0, "devices --json");
    let devices = bench.document("devices", &devices);
    for adapter in devices["adapters"].as_array().unwrap() {
        bench.page.check("An adapter", adapter);
    }
}

fn triaged(bench: &mut Bench) {
    let plain = pulmo::bundle::embedded().unwrap().with_domain(None).unwrap();
    plain.write(Path::new(&bench.path("plain"))).unwrap();
    let run = "triage @scans --bundle @plain --out @triage --device cpu --workers 1 --key-file @key --phi --metrics @triage.prom";
    bench.run(3, run);
    for name in ["worklist.csv", "issues.csv", "run.json"] {
        bench.file(&PathBuf::from(bench.path("triage")).join(name), None);
    }
    for entry in std::fs::read_dir(bench.path("triage")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name != "tmp" {
            bench.page.check_file(name.trim_end_matches("-wal").trim_end_matches("-shm"));
        }
    }
    let lines = std::fs::read_to_string(bench.path("triage/results.jsonl")).unwrap();
    lines.lines().for_each(|line| bench.page.check("results.jsonl", &serde_json::from_str(line).unwrap()));
    // the names of columns stand in the file as they are, in their order
    let table = std::fs::read(bench.path("triage/results.parquet")).unwrap();
    let columns: Vec<String> =
        bench.page.formats["results.parquet"].iter().map(|field| field.name.clone()).collect();
    let has = |name: &str| table.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    assert!(columns.iter().all(|name| has(name)));
    let row = columns.into_iter().map(|column| (column, Value::Null)).collect();
    bench.page.check("results.parquet", &Value::Object(row));
    let (metrics, text) = (
        std::fs::read_to_string(bench.path("triage.prom")).unwrap(),
        std::fs::read_to_string("docs/formats.md").unwrap(),
    );
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split([' ', '{']).next().unwrap();
        assert!(text.contains(&format!("`{name}")), "{name}");
    }
}

/// The line of a scan that a GPU failed at, which is not at hand.
fn set_back(bench: &mut Bench) {
    let setback = |remedy| Setback {
        stage: Stage::Predict,
        remedy,
        cause: Cause::OutOfMemory,
        message: "out of memory".to_owned(),
    };
    let provenance = Provenance {
        bundle: "b".to_owned(),
        weights_sha256: "0".to_owned(),
        domain_sha256: None,
        pulmo: "0".to_owned(),
        device: "cpu".to_owned(),
        views: 1,
    };
    let observation = Observation {
        path: "a".into(),
        origin: ScanOrigin::default(),
        pseudonyms: Pseudonyms::default(),
        verdict: Verdict::Ok,
        prediction: None,
        grids: None,
        heat_map: None,
        nodules: Some(vec![nodule()]),
        setbacks: vec![setback(Remedy::Halved { volumes: 2 }), setback(Remedy::Cpu)],
        provenance,
    };
    let line = observation_line(&observation, None);
    bench.page.check("predict", &serde_json::from_str(&line).unwrap());
    let table = PathBuf::from(bench.path("nodules.csv"));
    NoduleTable::new(std::fs::File::create(&table).unwrap()).unwrap().write(&observation).unwrap();
    bench.file(&table, None);
}

/// A nodule of which everything is known.
fn nodule() -> NoduleFinding {
    NoduleFinding {
        centre_mm: [1.0, 2.0, 3.0],
        side: Some(Side::Left),
        third: Some(LungThird::Upper),
        long_axis_mm: 7.0,
        short_axis_mm: 5.0,
        mean_diameter_mm: 6.0,
        volume_mm3: 110.0,
        effective_diameter_mm: 5.9,
        mean_hu: -20.0,
        kind: NoduleKind::Solid,
        pleura_distance_mm: Some(4.0),
        blobness: 700.0,
        probability: Some(0.9),
    }
}

#[test]
fn what_pulmo_writes_is_on_the_page_and_what_is_on_the_page_it_writes() {
    let mut bench = Bench { folder: tempfile::tempdir().unwrap(), page: Page::read() };
    std::fs::create_dir(bench.path("out")).unwrap();
    data(&bench);
    scans(&bench);
    trained(&mut bench);
    judged(&mut bench);
    looked_at(&mut bench);
    made(&mut bench);
    triaged(&mut bench);
    set_back(&mut bench);
    bench.files("out");
    bench.page.check_all_met(NOT_HERE);
}

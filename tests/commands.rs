//! The commands that README.md and models/*/README.md print do what they say, as printed: those that need
//! no data of the reader's are run, one after another in one folder, and the options of the others are
//! known.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and its values are small"
)]

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What follows these is written, not read.
const WRITTEN: [&str; 4] = ["--out", "--heat-maps", "--json", ">"];

/// A command, and where it is printed.
#[derive(Debug, Clone)]
struct Printed {
    file: PathBuf,
    line: usize,
    text: String,
}

impl Display for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}

/// Why a command is not run.
#[derive(Debug)]
enum Skipped {
    /// It reads what is not there.
    Needs(String),
    /// It does not run pulmo.
    OtherProgram,
}

/// The commands of a page: the lines of `sh` blocks, a loop being one, and what follows `$ ` in others.
fn printed(file: &Path) -> Vec<Printed> {
    let (mut block, mut found, mut in_loop) = (None, Vec::<Printed>::new(), false);
    for (index, line) in std::fs::read_to_string(file).unwrap().lines().enumerate() {
        let command = match (line.strip_prefix("```"), &block) {
            (Some(kind), None) => {
                block = Some(kind.to_owned());
                continue;
            }
            (Some(_), Some(_)) => {
                block = None;
                continue;
            }
            (None, Some(kind)) if kind == "sh" => Some(line),
            (None, Some(_)) => line.strip_prefix("$ "),
            (None, None) => None,
        };
        let Some(command) = command.filter(|command| !command.trim().is_empty()) else { continue };
        let text = command.replacen("cargo run --release -- ", "pulmo ", 1);
        match found.last_mut() {
            Some(last) if in_loop => last.text += &format!("\n{text}"),
            _ => found.push(Printed { file: file.to_owned(), line: index + 1, text }),
        }
        in_loop = (in_loop || command.starts_with("for ")) && command.trim() != "done";
    }
    found
}

fn without_comment(line: &str) -> &str {
    line.split_once(" #").map_or(line, |(command, _)| command).trim()
}

/// The lines that start pulmo, without what a shell does beside.
fn calls(printed: &Printed) -> Vec<&str> {
    let lines = printed.text.lines().map(without_comment).filter(|line| line.starts_with("pulmo "));
    lines.map(|line| line.split_once(" > ").map_or(line, |(call, _)| call)).collect()
}

/// The question for help behind all that is typed, two names where a shell would fill in names: it is
/// answered where what stands before is known.
fn asking_for_help(call: &str) -> String {
    let filled = |word: &str| match word.contains('*') {
        true => format!("{} {}", word.replace('*', "0"), word.replace('*', "1")),
        false => word.to_owned(),
    };
    let words: Vec<String> = call.split_whitespace().map(filled).collect();
    format!("{} --help", words.join(" "))
}

/// Why the command cannot be run in `folder`; `None` where it can.
fn reason_to_skip(printed: &Printed, folder: &Path) -> Option<Skipped> {
    if calls(printed).is_empty() {
        return Some(Skipped::OtherProgram);
    }
    let lines = printed.text.lines().map(without_comment);
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let read = words.windows(2).filter(|pair| !WRITTEN.contains(&pair[0])).map(|pair| pair[1]);
    let is_path = |word: &&str| {
        let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
        let is_ending = |ending: &str| ending.chars().all(|letter| letter.is_ascii_alphabetic());
        !word.starts_with('-') && (word.contains('/') || ending.is_some_and(is_ending))
    };
    // What a shell would fill in stands for some name in its folder.
    let known = |word: &str| match word.find(['$', '*']) {
        Some(end) => word[..end].rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned()),
        None => word.to_owned(),
    };
    read.filter(is_path).map(known).find(|path| !folder.join(path).exists()).map(Skipped::Needs)
}

fn shell(text: &str, folder: &Path, programs: &Path) -> Output {
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh").args(["-c", text]).current_dir(folder).env("PATH", path).output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => _ = std::fs::copy(&path, to.join(name)).unwrap(),
        }
    }
}

/// README.md and those of the models, in this order.
fn pages() -> Vec<PathBuf> {
    let models = std::fs::read_dir("models").unwrap().map(|entry| entry.unwrap().path().join("README.md"));
    let mut models: Vec<PathBuf> = models.filter(|page| page.exists()).collect();
    models.sort();
    [vec![PathBuf::from("README.md")], models].concat()
}

#[test]
fn printed_commands_that_need_no_data_run_and_the_others_are_known() {
    let (folder, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, programs) = (folder.path(), programs.path());
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pulmo"), programs.join("pulmo")).unwrap();
    copy(Path::new("models"), &folder.join("models"));
    let (mut done, mut skipped) = (Vec::<String>::new(), 0);
    for command in pages().iter().flat_map(|page| printed(page)) {
        let text = command.text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
        if done.contains(&text) {
            continue;
        }
        let tried = match reason_to_skip(&command, folder) {
            None => vec![text.clone()],
            Some(reason) => {
                skipped += 1;
                eprintln!("skipped, {reason:?}: {command}");
                calls(&command).into_iter().map(asking_for_help).collect()
            }
        };
        for tried in tried {
            let output = shell(&tried, folder, programs);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}\n{tried}\n{said}");
        }
        done.push(text);
    }
    let ran = done.len() - skipped;
    eprintln!("{ran} printed commands ran, {skipped} did not");
    assert!(ran >= 5 && folder.join("pulmo-out/demo/index.html").exists() && folder.join("x.npy").exists());
}

#[test]
fn what_a_printed_command_reads_decides() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there.csv"), "").unwrap();
    let command = |text: &str| Printed { file: PathBuf::new(), line: 1, text: text.to_owned() };
    let needs = |text: &str| match reason_to_skip(&command(text), folder.path()) {
        Some(Skipped::Needs(path)) => path,
        other => format!("{other:?}"),
    };
    assert_eq!(needs("pulmo plan there.csv --out a/new.toml   # a.txt"), "None");
    assert_eq!(needs("pulmo predict --at 0.9 /no/such > new.jsonl"), "/no/such");
    assert_eq!(needs("pulmo ensemble runs/fold-* --out all"), "runs");
    assert_eq!(needs("for a in b; do\n  pulmo convert in/$a --out out/$a.npy\ndone"), "in");
    assert_eq!(needs("cargo test --release"), "Some(OtherProgram)");
}

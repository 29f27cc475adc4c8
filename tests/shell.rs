//! What `pulmo completions` and `pulmo man` write is taken by the shells and by groff.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs pulmo; it must succeed and say nothing wrong.
fn pulmo(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(pulmo(arguments).stdout).unwrap()
}

/// Every command, as `pulmo help` lists them.
fn commands() -> Vec<String> {
    let help = text(&["help"]);
    let listed = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = listed.filter_map(|line| line.split_once("  ").map(|(name, _)| name.trim().to_owned()));
    let commands: Vec<String> = commands.filter(|name| !name.is_empty() && !name.starts_with('-')).collect();
    assert!(commands.len() > 20, "{commands:?}");
    commands
}

/// Runs another program on a file; `None`, loudly, where it is not installed.
fn other(program: &str, arguments: &[&str], file: &Path) -> Option<Output> {
    let output = Command::new(program).args(arguments).arg(file).output();
    if let Err(error) = &output {
        eprintln!("SKIPPED: {program} is not asked about {}: {error}", file.display());
    }
    output.ok()
}

#[test]
fn each_shell_is_told_every_command_and_bash_takes_the_script() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        assert!(script.contains("heat-maps"), "{shell}");
        let file = folder.path().join(shell);
        std::fs::write(&file, script).unwrap();
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        if let Some(output) = other(shell, &["-n"], &file) {
            assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
        }
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_pulmo")).args(["completions", "dos"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

/// Asks bash what it would complete.
#[test]
fn bash_completes_a_command_by_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("pulmo.bash");
    std::fs::write(&script, text(&["completions", "bash"])).unwrap();
    let asked = folder.path().join("ask.bash");
    let text = format!(
        "source {}\nCOMP_WORDS=(pulmo eval)\nCOMP_CWORD=1\n_pulmo pulmo eval pulmo\necho \"${{COMPREPLY[@]}}\"\n",
        script.display()
    );
    std::fs::write(&asked, text).unwrap();
    if let Some(output) = other("bash", &["--norc"], &asked) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.trim(), "evaluate", "{output:?}");
    }
}

#[test]
fn each_command_has_a_page_that_groff_takes_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    pulmo(&["man", "--out", folder.path().to_str().unwrap()]);
    let mut names: Vec<String> = commands().iter().map(|name| format!("pulmo-{name}.1")).collect();
    names.push("pulmo.1".to_owned());
    names.sort_unstable();
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort_unstable();
    let found_names: Vec<String> =
        found.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(found_names, names);
    for page in &found {
        let Some(output) = other("groff", &["-man", "-Tutf8", "-ww", "-K", "utf8", "-P-cbou"], page) else {
            return;
        };
        let (shown, said) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.is_empty(), "{}: {said}", page.display());
        assert!(shown.contains("SYNOPSIS") && shown.contains(concat!("pulmo ", env!("CARGO_PKG_VERSION"))));
    }
}

#[test]
fn without_a_folder_the_page_of_pulmo_goes_to_stdout() {
    let page = text(&["man"]);
    assert!(page.contains(".TH pulmo 1") && page.contains("pulmo\\-predict(1)"), "{page}");
}

//! An archive of text files, and a run of the fake supervisor over it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) const FAKE: &str = env!("CARGO_BIN_EXE_triage-fake-worker");

/// A folder with an archive and the output of runs.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// An archive of so many studies, of which the first do what is named.
    pub(crate) fn new(studies: usize, first: &[&str]) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        for study in 0..studies {
            let what = first.get(study).unwrap_or(&"ok");
            scene.write(&format!("CANARY^NAME/{study:05}/1.txt"), &format!("CANARY.{study} {what}"));
        }
        std::fs::create_dir_all(scene.archive()).unwrap();
        std::fs::write(scene.folder.path().join("out.key"), [9; 32]).unwrap();
        scene
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.archive().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The supervisor, about to start.
    pub(crate) fn supervisor(&self, workers: usize) -> Command {
        let mut command = Command::new(FAKE);
        command.arg("supervise").arg(self.archive()).arg(self.out()).arg(workers.to_string());
        command.stdout(Stdio::piped()).stdin(Stdio::null());
        command
    }

    /// Runs to the end; the last line that the supervisor printed.
    pub(crate) fn run(&self, workers: usize) -> String {
        self.run_with(workers, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, workers: usize, environment: &[(&str, &str)]) -> String {
        let output = self.supervisor(workers).envs(environment.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().last().unwrap_or_default().to_owned()
    }

    /// The export of this name.
    pub(crate) fn exported(&self, name: &str) -> String {
        std::fs::read_to_string(self.out().join(name)).unwrap()
    }

    /// The table that must be the same whatever happened on the way.
    pub(crate) fn table(&self) -> [String; 3] {
        ["results.jsonl", "worklist.csv", "issues.csv"].map(|name| self.exported(name))
    }
}

/// All files below `folder` as bytes.
pub(crate) fn bytes_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(bytes_below(&entry.path()));
        } else {
            found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
        }
    }
    found
}

/// Kills a process at once.
pub(crate) fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

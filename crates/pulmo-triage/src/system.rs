//! What differs between operating systems: limits, process groups, signals, private files, bytes of paths.
//!
//! Everything that is only there on Unix stands in this one file. Elsewhere (Windows) the fallbacks hold: workers
//! have no limit of memory of their own, a worker is killed without the processes that it started, no signal is
//! told, files have the permissions of their folder, and a machine that went down is not told from a run that did.

pub use os::confine;
pub(crate) use os::{
    create_private, kill_group, make_private_folder, own_group, path_bytes, path_of_bytes, signal_of,
    sync_folder,
};

use std::process::Child;

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerLimits {
    /// Bytes of memory; `None` for no limit.
    pub memory_bytes: Option<u64>,
}

/// Ends a child and what it started, and waits for it; returns the signal that ended it.
pub(crate) fn end(child: &mut Child) -> Option<i32> {
    kill_group(child);
    _ = child.kill();
    child.wait().ok().and_then(signal_of)
}

/// Names the time since the machine was started; `None` where the system does not tell.
pub(crate) fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// The most memory that this process ever used, in bytes; `None` where the system does not tell.
pub fn peak_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(unix)]
mod os {
    use std::ffi::OsString;
    use std::fs::{DirBuilder, File, OpenOptions};
    use std::io::Result;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus};

    use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, setrlimit};

    use super::WorkerLimits;

    /// Puts limits on this process: its memory, no core dumps (they would hold images), and, on Linux, that it ends
    /// with whoever started it. What the system refuses is left.
    pub fn confine(limits: WorkerLimits) {
        let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
        _ = setrlimit(Resource::Core, limit(0));
        if let Some(bytes) = limits.memory_bytes {
            _ = setrlimit(Resource::As, limit(bytes));
        }
        #[cfg(target_os = "linux")]
        {
            _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        }
    }

    /// Puts a child into a process group of its own.
    pub(crate) fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    /// Kills all processes of a child's group.
    pub(crate) fn kill_group(child: &Child) {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// The signal that ended a process.
    pub(crate) fn signal_of(status: ExitStatus) -> Option<i32> {
        status.signal()
    }

    /// Makes a new file that only this user can read.
    pub(crate) fn create_private(path: &Path) -> Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    /// Makes a folder that only this user can read, and those above it.
    pub(crate) fn make_private_folder(path: &Path) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Makes sure that what a folder lists is on disk.
    pub(crate) fn sync_folder(path: &Path) -> Result<()> {
        File::open(path)?.sync_all()
    }

    /// The bytes of a path.
    pub(crate) fn path_bytes(path: &Path) -> &[u8] {
        path.as_os_str().as_bytes()
    }

    /// The path of these bytes.
    pub(crate) fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
        OsString::from_vec(bytes).into()
    }
}

#[cfg(not(unix))]
mod os {
    use std::fs::{File, OpenOptions};
    use std::io::Result;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus};

    use super::WorkerLimits;

    /// Does nothing: see the head of this file.
    pub fn confine(_: WorkerLimits) {}

    pub(crate) fn own_group(_: &mut Command) {}

    pub(crate) fn kill_group(_: &Child) {}

    pub(crate) fn signal_of(_: ExitStatus) -> Option<i32> {
        None
    }

    pub(crate) fn create_private(path: &Path) -> Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    pub(crate) fn make_private_folder(path: &Path) -> Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(crate) fn sync_folder(_: &Path) -> Result<()> {
        Ok(())
    }

    pub(crate) fn path_bytes(path: &Path) -> &[u8] {
        path.as_os_str().as_encoded_bytes()
    }

    pub(crate) fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

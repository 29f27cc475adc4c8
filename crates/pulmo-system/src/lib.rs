//! What differs between operating systems: limits, process groups, signals, private files, bytes of paths.
//!
//! Everything that is only there on Unix stands in this one file. Elsewhere (Windows) the fallbacks hold: workers
//! have no limit of memory of their own, a worker is killed without the processes that it started, no signal is
//! told, files have the permissions of their folder, links that name one file are not known as such, and a machine
//! that went down is not told from a run that did.

mod cgroup;

pub use cgroup::ControlGroups;
pub use os::{
    confine, create_private, file_identity, kill_group, make_private_folder, own_group, path_bytes,
    path_of_bytes, private_permissions, read_at, signal_of, sync_folder,
};

use std::io::Result;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How long the end of a child that was killed is waited for.
const LONGEST_END: Duration = Duration::from_secs(3);

/// What a worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerLimits {
    /// Bytes of memory; `None` for no limit.
    pub memory_bytes: Option<u64>,
}

/// What tells a file from all others that are there, whatever names it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileIdentity {
    /// The device that it lies on.
    pub device: u64,
    /// Its number there.
    pub number: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Names that it has.
    pub names: u64,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildEnd {
    /// The signal that ended it; `None` where there was none.
    pub signal: Option<i32>,
    /// Whether the system ended it because it needed more memory than its limit.
    pub is_out_of_memory: bool,
}

/// Ends a child and what it started, and waits for it.
pub fn end(child: &mut Child) -> ChildEnd {
    kill(child);
    reap(child, Instant::now() + LONGEST_END)
}

/// Ends children and what they started, all at once, and waits for them.
pub fn end_all<'a>(children: impl Iterator<Item = &'a mut Child>) {
    let mut children: Vec<&mut Child> = children.collect();
    children.iter_mut().for_each(|child| kill(child));
    let until = Instant::now() + LONGEST_END;
    for child in children {
        reap(child, until);
    }
}

fn kill(child: &mut Child) {
    kill_group(child);
    _ = child.kill();
}

fn reap(child: &mut Child, until: Instant) -> ChildEnd {
    let signal = ended(child, until).and_then(signal_of);
    ChildEnd { signal, is_out_of_memory: cgroup::leave_group(child.id()) }
}

/// How a child that was killed ended. One that waits for a disk which does not answer ends only when that does: it is
/// left after some seconds.
fn ended(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
            Ok(status) => return status,
            Err(_) => return None,
        }
    }
}

/// Makes sure that the folder of `path` tells of it after a power cut, where the system can (not on Windows).
///
/// # Errors
/// What the operating system says.
pub fn sync_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))
}

/// Names the time since the machine was started; `None` where the system does not tell.
pub fn boot() -> Option<String> {
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
    use std::fs::{DirBuilder, File, OpenOptions, Permissions};
    use std::io::Result;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus};

    use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, setrlimit};

    use super::{ControlGroups, FileIdentity, WorkerLimits};

    /// Puts limits on this process: its memory, no core dumps (they would hold images), and, on Linux, that it ends
    /// with whoever started it. Memory is limited by a control group of its own where there can be one, else by
    /// addresses. What the system refuses is left.
    pub fn confine(limits: WorkerLimits) {
        let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
        _ = setrlimit(Resource::Core, limit(0));
        if let Some(bytes) = limits.memory_bytes
            && !ControlGroups::of_this_machine().is_some_and(|groups| groups.enter(std::process::id(), bytes))
        {
            _ = setrlimit(Resource::As, limit(bytes));
        }
        #[cfg(target_os = "linux")]
        {
            _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        }
    }

    /// Puts a child into a process group of its own.
    pub fn own_group(command: &mut Command) {
        command.process_group(0);
    }

    /// Kills all processes of a child's group.
    pub fn kill_group(child: &Child) {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// The signal that ended a process.
    pub fn signal_of(status: ExitStatus) -> Option<i32> {
        status.signal()
    }

    /// Makes a new file that only this user can read.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create_private(path: &Path) -> Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }

    /// Makes a folder that only this user can read, and those above it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn make_private_folder(path: &Path) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// The permissions of a folder that only this user can read; `None` where there are none such.
    pub fn private_permissions() -> Option<Permissions> {
        Some(Permissions::from_mode(0o700))
    }

    /// Makes sure that what a folder lists is on disk.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn sync_folder(path: &Path) -> Result<()> {
        File::open(path)?.sync_all()
    }

    /// Reads from a place in a file, whatever place others read from; returns how many bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read_at(file: &File, buffer: &mut [u8], position: u64) -> Result<usize> {
        FileExt::read_at(file, buffer, position)
    }

    /// What tells the file at `path` from others; `None` where the system does not tell.
    pub fn file_identity(path: &Path) -> Option<FileIdentity> {
        let found = std::fs::metadata(path).ok()?;
        Some(FileIdentity {
            device: found.dev(),
            number: found.ino(),
            bytes: found.len(),
            names: found.nlink(),
        })
    }

    /// The bytes of a path.
    pub fn path_bytes(path: &Path) -> &[u8] {
        path.as_os_str().as_bytes()
    }

    /// The path of these bytes.
    pub fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
        OsString::from_vec(bytes).into()
    }
}

#[cfg(not(unix))]
mod os {
    use std::fs::{File, OpenOptions, Permissions};
    use std::io::Result;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus};

    use super::{FileIdentity, WorkerLimits};

    /// Does nothing: see the head of this file.
    pub fn confine(_: WorkerLimits) {}

    /// Does nothing.
    pub fn own_group(_: &mut Command) {}

    /// Does nothing.
    pub fn kill_group(_: &Child) {}

    /// None.
    pub fn signal_of(_: ExitStatus) -> Option<i32> {
        None
    }

    /// Makes a new file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create_private(path: &Path) -> Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Makes a folder, and those above it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn make_private_folder(path: &Path) -> Result<()> {
        std::fs::create_dir_all(path)
    }

    /// None.
    pub fn private_permissions() -> Option<Permissions> {
        None
    }

    /// Does nothing.
    ///
    /// # Errors
    /// None.
    pub fn sync_folder(_: &Path) -> Result<()> {
        Ok(())
    }

    /// Reads from a place in a file; returns how many bytes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read_at(file: &File, buffer: &mut [u8], position: u64) -> Result<usize> {
        std::os::windows::fs::FileExt::seek_read(file, buffer, position)
    }

    /// None.
    pub fn file_identity(_: &Path) -> Option<FileIdentity> {
        None
    }

    /// The bytes of a path, by which it can be told.
    pub fn path_bytes(path: &Path) -> &[u8] {
        path.as_os_str().as_encoded_bytes()
    }

    /// The path of these bytes.
    pub fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

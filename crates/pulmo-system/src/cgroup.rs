//! A limit of the memory that a process really uses, where Linux lets this user set one (cgroup v2).

use std::path::{Path, PathBuf};

/// Where control groups can be made: the one that this process is in, in a hierarchy of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlGroups(PathBuf);

impl ControlGroups {
    /// Those of this machine; `None` where there are none of version 2 that count memory.
    pub fn of_this_machine() -> Option<Self> {
        let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::at(Path::new("/sys/fs/cgroup"), &own)
    }

    /// Those below `root` for a process of which `/proc/self/cgroup` says `own`.
    pub fn at(root: &Path, own: &str) -> Option<Self> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let folder = root.join(own);
        let counted = std::fs::read_to_string(folder.join("cgroup.controllers")).ok()?;
        counted.split_whitespace().any(|name| name == "memory").then_some(Self(folder))
    }

    /// Puts a process into a group of its own that may use so many bytes, and no swap; `false` where that was
    /// refused: then nothing changed.
    pub fn enter(&self, process: u32, bytes: u64) -> bool {
        let group = self.group(process);
        if std::fs::create_dir(&group).is_err() {
            return false;
        }
        let write = |name: &str, text: String| std::fs::write(group.join(name), text);
        let is_limited = group.join("memory.max").exists()
            && write("memory.max", bytes.to_string()).is_ok()
            && write("cgroup.procs", process.to_string()).is_ok();
        if !is_limited {
            _ = std::fs::remove_dir(&group);
            return false;
        }
        _ = write("memory.swap.max", "0".to_owned());
        true
    }

    fn group(&self, process: u32) -> PathBuf {
        self.0.join(format!("pulmo-{process}"))
    }
}

/// Removes the group that a process, which has ended, was put in; returns whether the system ended it there because
/// it needed more memory than its limit.
pub(crate) fn leave_group(process: u32) -> bool {
    let Some(groups) = ControlGroups::of_this_machine() else { return false };
    let group = groups.group(process);
    let events = std::fs::read_to_string(group.join("memory.events")).unwrap_or_default();
    _ = std::fs::remove_dir(group);
    is_out_of_memory(&events)
}

/// Whether a group's `memory.events` count a process that was killed.
fn is_out_of_memory(events: &str) -> bool {
    events.lines().filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(controllers: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::fs::write(root.path().join("a/b/cgroup.controllers"), controllers).unwrap();
        root
    }

    #[test]
    fn groups_are_found_where_memory_is_counted() {
        let root = machine("cpu memory pids\n");
        let own = "4:memory:/x\n0::/a/b\n";
        assert_eq!(ControlGroups::at(root.path(), own), Some(ControlGroups(root.path().join("a/b"))));
        assert_eq!(ControlGroups::at(root.path(), "4:memory:/a/b\n"), None);
        assert_eq!(ControlGroups::at(root.path(), "0::/elsewhere\n"), None);
        assert_eq!(ControlGroups::at(machine("cpu\n").path(), own), None);
    }

    #[test]
    fn where_a_group_cannot_limit_memory_none_is_left_behind() {
        let root = machine("memory");
        let groups = ControlGroups::at(root.path(), "0::/a/b").unwrap();
        // a folder of another file system gets no `memory.max`
        assert!(!groups.enter(7, 1 << 20));
        assert_eq!(std::fs::read_dir(root.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_process_that_was_killed_for_memory_is_told_from_one_that_was_not() {
        assert!(is_out_of_memory("low 0\nmax 31\noom 1\noom_kill 1\n"));
        assert!(!is_out_of_memory("low 0\nmax 31\noom 1\noom_kill 0\n"));
        assert!(!is_out_of_memory(""));
    }
}

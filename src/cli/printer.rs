//! The only place that writes to stdout and stderr.

use std::io::Write;

/// Writes one line of data to stdout. A reader that went away ends the process quietly.
pub(super) fn data(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Tells the user something, on stderr.
pub(super) fn say(line: &str) {
    // Where stderr is closed there is nobody to tell.
    _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Tells the user why a command failed, with its causes.
pub(super) fn problem(error: &anyhow::Error) {
    say(&format!("error: {error:#}"));
}

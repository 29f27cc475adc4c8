//! What is typed to make pulmo known to a shell and to `man`.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap_complete::Shell;

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell that will read it.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ManArgs {
    /// Folder for the pages of pulmo and of each command; the page of pulmo alone goes to stdout if left out.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

//! How files are read.

use clap::Args as ClapArgs;

use crate::dicom::{Links, Partial};
use crate::engine::Outside;

/// What becomes of a series of which files cannot be read.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(in crate::cli) struct PartialArg {
    /// Use what is left of a series of which files cannot be read, with the warning PARTIAL, instead of refusing it.
    #[arg(long)]
    pub allow_partial: bool,
}

impl PartialArg {
    /// What becomes of it.
    pub(in crate::cli) fn partial(self) -> Partial {
        if self.allow_partial { Partial::Allow } else { Partial::Refuse }
    }
}

/// What becomes of a scan unlike those that the bundle was trained on.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(in crate::cli) struct OutsideArg {
    /// Also score scans unlike those that the bundle was trained on, with the reasons as warnings, instead of refusing them
    /// as OUT_OF_DISTRIBUTION: the bundle was never shown what they hold.
    #[arg(long)]
    pub allow_out_of_distribution: bool,
}

impl OutsideArg {
    /// What becomes of it.
    pub(in crate::cli) fn outside(self) -> Outside {
        if self.allow_out_of_distribution { Outside::Warn } else { Outside::Refuse }
    }

    /// The option that another process of this program gets.
    pub(in crate::cli) fn argument(self) -> Option<&'static str> {
        self.allow_out_of_distribution.then_some("--allow-out-of-distribution")
    }
}

/// What of the files under the paths is read.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(in crate::cli) struct ReadArgs {
    /// Also follow symbolic links to folders; those to files are always followed.
    #[arg(long)]
    pub follow_links: bool,
    #[command(flatten)]
    pub series: PartialArg,
}

impl ReadArgs {
    /// The links to follow.
    pub(in crate::cli) fn links(self) -> Links {
        if self.follow_links { Links::FilesAndFolders } else { Links::Files }
    }

    /// What becomes of a series of which files cannot be read.
    pub(in crate::cli) fn partial(self) -> Partial {
        self.series.partial()
    }
}

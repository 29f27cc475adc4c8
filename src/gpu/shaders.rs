//! The WGSL sources, compiled into the binary.

/// Our kernels: the name is the file's, the module's and the label's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Linear map and clamp of every value.
    Intensity,
    /// Linear filter along one axis, given as a table of taps.
    Separable,
    /// Voxels copied to another place: reorient, crop, pad.
    Gather,
    /// Affine pull with interpolation.
    Rotate,
    /// Median of a box.
    Median,
}

/// What `#import NAME` pastes in.
const COMMON: [(&str, &str); 1] = [("index", include_str!("../../shaders/common/index.wgsl"))];

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 5] = [Self::Intensity, Self::Separable, Self::Gather, Self::Rotate, Self::Median];

    /// The kernel's name: `shaders/<name>.wgsl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intensity => "intensity",
            Self::Separable => "separable",
            Self::Gather => "gather",
            Self::Rotate => "rotate",
            Self::Median => "median",
        }
    }

    /// The kernel's WGSL with its imports pasted in.
    pub fn source(self) -> String {
        let text = match self {
            Self::Intensity => include_str!("../../shaders/intensity.wgsl"),
            Self::Separable => include_str!("../../shaders/separable.wgsl"),
            Self::Gather => include_str!("../../shaders/gather.wgsl"),
            Self::Rotate => include_str!("../../shaders/rotate.wgsl"),
            Self::Median => include_str!("../../shaders/median.wgsl"),
        };
        text.lines().map(|line| imported(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }
}

/// The text that stands for an `#import` line; `None` for other lines. An unknown name stays as it
/// is, which no WGSL compiler accepts.
fn imported(line: &str) -> Option<&'static str> {
    let name = line.strip_prefix("#import ")?.trim();
    COMMON.into_iter().find(|(common, _)| *common == name).map(|(_, text)| text)
}

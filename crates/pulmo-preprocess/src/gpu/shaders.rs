//! The WGSL sources, compiled into the binary.

/// Our kernels: the name is the file's, the module's and the label's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Linear map and clamp of every value.
    Intensity,
    /// Stored pixels to Hounsfield units.
    Hounsfield,
    /// Linear filter along one axis, given as a table of taps.
    Separable,
    /// Voxels copied to another place: reorient, crop, pad.
    Gather,
    /// Affine pull with interpolation.
    Affine,
    /// Median of a box.
    Median,
    /// Affine and elastic pull.
    Warp,
    /// Random changes of brightness.
    Tone,
}

/// What `#import NAME` pastes in.
const COMMON: [(&str, &str); 4] = [
    ("index", include_str!("../../../../shaders/common/index.wgsl")),
    ("ramp", include_str!("../../../../shaders/common/ramp.wgsl")),
    ("random", include_str!("../../../../shaders/common/random.wgsl")),
    ("sample", include_str!("../../../../shaders/common/sample.wgsl")),
];

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 8] = [
        Self::Intensity,
        Self::Hounsfield,
        Self::Separable,
        Self::Gather,
        Self::Affine,
        Self::Median,
        Self::Warp,
        Self::Tone,
    ];

    /// The kernel's name: `shaders/<name>.wgsl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intensity => "intensity",
            Self::Hounsfield => "hounsfield",
            Self::Separable => "separable",
            Self::Gather => "gather",
            Self::Affine => "affine",
            Self::Median => "median",
            Self::Warp => "warp",
            Self::Tone => "tone",
        }
    }

    /// The kernel's WGSL with its imports pasted in.
    pub fn source(self) -> String {
        let text = match self {
            Self::Intensity => include_str!("../../../../shaders/intensity.wgsl"),
            Self::Hounsfield => include_str!("../../../../shaders/hounsfield.wgsl"),
            Self::Separable => include_str!("../../../../shaders/separable.wgsl"),
            Self::Gather => include_str!("../../../../shaders/gather.wgsl"),
            Self::Affine => include_str!("../../../../shaders/affine.wgsl"),
            Self::Median => include_str!("../../../../shaders/median.wgsl"),
            Self::Warp => include_str!("../../../../shaders/warp.wgsl"),
            Self::Tone => include_str!("../../../../shaders/tone.wgsl"),
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

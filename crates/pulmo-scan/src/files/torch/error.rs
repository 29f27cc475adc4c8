//! Why weights of PyTorch cannot be read.

/// Why a file that PyTorch saved cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TorchError {
    /// The file ends early or contradicts itself.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// The file holds a Python object that is no tensor.
    #[error(
        "the file holds the Python object `{0}`, not only weights; in Python, save them alone with \
         torch.save(model.state_dict(), file)"
    )]
    Object(String),
    /// The file uses an instruction that lists of tensors do not need.
    #[error("the file uses pickle instruction 0x{0:02x}, which lists of weights do not")]
    Instruction(u8),
    /// The file declares more than is read.
    #[error("the file is too large: {0}")]
    TooLarge(&'static str),
    /// There is no list of tensors in the file.
    #[error("the file holds no list of weights (a state_dict)")]
    NoWeights,
}

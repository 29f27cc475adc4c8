//! `domain.safetensors`: where the features of each network lie.

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::domain::{DomainError, FeatureSpace};

/// Name of the file.
pub(super) const FILE: &str = "domain.safetensors";

/// What is wrong with a domain on disk.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainFileError {
    /// The bytes are not what they must be.
    #[error("{FILE}: {0}")]
    Format(String),
    /// What they say cannot be, or does not fit the network.
    #[error("[domain] {0}")]
    Content(#[from] DomainError),
}

/// Returns the file for some networks: of network `n`, `n.means` `[classes, features]` and `n.factor`, the lower
/// triangular factor of the covariance `[features, features]`, in 64-bit floats.
///
/// # Errors
/// [`DomainFileError::Format`] where the format has no place for them.
pub(super) fn save_domain(spaces: &[FeatureSpace]) -> Result<Vec<u8>, DomainFileError> {
    let of_space = |(network, space): (usize, &FeatureSpace)| {
        let named = |name: &str, matrix: &Array2<f64>| (format!("{network}.{name}"), bytes_of(matrix));
        [named("means", space.means()), named("factor", space.factor())]
    };
    let parts: Vec<(String, Matrix)> = spaces.iter().enumerate().flat_map(of_space).collect();
    let views = parts.iter().map(|(name, matrix)| {
        let view = TensorView::new(Dtype::F64, matrix.shape.to_vec(), &matrix.bytes);
        view.map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(format)?;
    safetensors::serialize(views, None).map_err(format)
}

/// Returns what the file says of `networks` networks with so many `features`.
///
/// # Errors
/// [`DomainFileError`] where it is no such file, or not of such networks.
pub(super) fn load_domain(
    bytes: &[u8],
    networks: usize,
    features: usize,
) -> Result<Vec<FeatureSpace>, DomainFileError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
    if tensors.len() != 2 * networks {
        let (found, expected) = (tensors.len(), 2 * networks);
        return Err(DomainError::Size { what: "the tensors of the domain", found, expected }.into());
    }
    let space = |network: usize| {
        let part = |name: &str| matrix(&tensors, &format!("{network}.{name}"));
        let space = FeatureSpace::new(part("means")?, part("factor")?)?;
        let found = space.features();
        if found == features {
            return Ok(space);
        }
        Err(DomainError::Size { what: "the features of the domain", found, expected: features }.into())
    };
    (0..networks).map(space).collect()
}

/// A matrix as it lies in the file.
struct Matrix {
    shape: [usize; 2],
    bytes: Vec<u8>,
}

fn bytes_of(matrix: &Array2<f64>) -> Matrix {
    let bytes = matrix.iter().flat_map(|value| value.to_le_bytes()).collect();
    Matrix { shape: matrix.dim().into(), bytes }
}

fn matrix(tensors: &SafeTensors, name: &str) -> Result<Array2<f64>, DomainFileError> {
    let tensor = tensors.tensor(name).map_err(format)?;
    let wrong = || DomainFileError::Format(format!("`{name}` is no matrix of 64-bit floats"));
    let [rows, columns] = tensor.shape() else { return Err(wrong()) };
    if tensor.dtype() != Dtype::F64 {
        return Err(wrong());
    }
    let (values, _) = tensor.data().as_chunks::<8>();
    let values = values.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    Array2::from_shape_vec((*rows, *columns), values).map_err(|_| wrong())
}

fn format(error: impl std::fmt::Display) -> DomainFileError {
    DomainFileError::Format(error.to_string())
}

//! Which adapter to work on.

use std::str::FromStr;

use super::adapters::{enumerate, list, report};
use super::{AdapterReport, GpuError};

/// What the user wants to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The best real GPU, or the CPU where there is none. Never a software adapter.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The best real GPU.
    Gpu,
    /// The N-th real GPU, from 0, best first.
    Nth(usize),
    /// A software adapter: slow, for tests.
    Software,
}

impl FromStr for Choice {
    type Err = GpuError;

    fn from_str(text: &str) -> Result<Self, GpuError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            "software" => Ok(Self::Software),
            _ => text
                .strip_prefix("gpu:")
                .and_then(|number| number.parse().ok())
                .map(Self::Nth)
                .ok_or_else(|| GpuError::Choice { given: text.to_owned() }),
        }
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::Nth(number) => write!(f, "gpu:{number}"),
            Self::Software => f.write_str("software"),
        }
    }
}

/// An adapter ready to be opened.
#[derive(Debug, Clone)]
pub struct Found {
    /// What is known about it.
    pub report: AdapterReport,
    /// The instance it belongs to.
    pub instance: wgpu::Instance,
    /// The adapter itself.
    pub adapter: wgpu::Adapter,
}

/// What to work on.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// The CPU.
    Cpu {
        /// Why, in one sentence.
        reason: String,
    },
    /// An adapter.
    Adapter(Box<Found>),
}

/// Returns what `choice` means on this machine.
///
/// # Errors
/// [`GpuError::NoAdapter`] where a GPU or a software adapter is asked for and there is none.
pub fn choose(choice: Choice) -> Result<Chosen, GpuError> {
    if choice == Choice::Cpu {
        return Ok(Chosen::Cpu { reason: "the CPU was asked for".to_owned() });
    }
    let (instance, adapters) = enumerate();
    let reports: Vec<AdapterReport> = adapters.iter().map(report).collect();
    match select(choice, &reports) {
        Some(index) => Ok(Chosen::Adapter(Box::new(Found {
            report: reports[index].clone(),
            adapter: adapters[index].clone(),
            instance,
        }))),
        None if choice == Choice::Auto => Ok(Chosen::Cpu {
            reason: format!("no real GPU was found (adapters: {}), so the CPU is used", in_words(&reports)),
        }),
        None => Err(GpuError::NoAdapter { wanted: choice.to_string(), found: in_words(&reports) }),
    }
}

/// Returns the real GPUs, best first and each once: those that [`Choice::Nth`] counts.
pub fn gpus() -> Vec<AdapterReport> {
    let reports = list();
    real_gpus(&reports).into_iter().map(|index| reports[index].clone()).collect()
}

/// Index of the adapter that `choice` means.
fn select(choice: Choice, reports: &[AdapterReport]) -> Option<usize> {
    match choice {
        Choice::Cpu => None,
        Choice::Auto | Choice::Gpu => real_gpus(reports).first().copied(),
        Choice::Nth(number) => real_gpus(reports).get(number).copied(),
        Choice::Software => best_first(reports, true).first().copied(),
    }
}

/// Indices of the real GPUs, best first, each physical GPU once.
fn real_gpus(reports: &[AdapterReport]) -> Vec<usize> {
    best_first(reports, false).into_iter().fold(Vec::new(), |mut kept, index| {
        if !kept.iter().any(|&other| is_same_gpu(&reports[other], &reports[index])) {
            kept.push(index);
        }
        kept
    })
}

fn best_first(reports: &[AdapterReport], software: bool) -> Vec<usize> {
    let usable = |index: &usize| reports[*index].runs_kernels && reports[*index].is_software() == software;
    let mut indices: Vec<usize> = (0..reports.len()).filter(usable).collect();
    indices.sort_by_key(|&index| {
        let report = &reports[index];
        let by_backend = ["vulkan", "metal", "dx12"].iter().position(|name| *name == report.backend);
        let by_type =
            ["discrete", "integrated", "virtual"].iter().position(|name| *name == report.device_type);
        (by_backend.is_none(), by_type.unwrap_or(usize::MAX), by_backend)
    });
    indices
}

/// Whether two adapters of different backends are one physical GPU. GL does not tell the ids of its
/// GPU: it is taken for one that another backend has shown already.
fn is_same_gpu(first: &AdapterReport, second: &AdapterReport) -> bool {
    let same_ids = (first.vendor_id, first.device_id) == (second.vendor_id, second.device_id);
    let same_place =
        first.pci_bus_id == second.pci_bus_id || first.pci_bus_id.is_empty() || second.pci_bus_id.is_empty();
    first.backend != second.backend && (second.backend == "gl" || (same_ids && same_place))
}

fn in_words(reports: &[AdapterReport]) -> String {
    if reports.is_empty() {
        return "none".to_owned();
    }
    reports.iter().map(AdapterReport::label).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{AdapterFeatures, AdapterLimits};

    fn adapter(name: &str, backend: &str, device_type: &str, pci_bus_id: &str) -> AdapterReport {
        AdapterReport {
            name: name.to_owned(),
            backend: backend.to_owned(),
            device_type: device_type.to_owned(),
            driver: String::new(),
            driver_info: String::new(),
            vendor_id: 1,
            device_id: u32::try_from(name.len()).unwrap(),
            pci_bus_id: pci_bus_id.to_owned(),
            memory_bytes: None,
            runs_kernels: true,
            limits: AdapterLimits {
                max_buffer_bytes: 1,
                max_storage_binding_bytes: 1,
                max_storage_buffers: 8,
                max_workgroup_threads: 256,
                max_workgroups_per_dimension: 1,
            },
            features: AdapterFeatures { f16: false, subgroups: false, timestamp_queries: false },
        }
    }

    #[test]
    fn choices_are_read_and_written_alike() {
        for text in ["auto", "cpu", "gpu", "gpu:3", "software"] {
            assert_eq!(text.parse::<Choice>().unwrap().to_string(), text);
        }
        for text in ["", "GPU", "gpu:", "gpu:-1", "cuda"] {
            let error = text.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains("gpu:N"), "{error}");
        }
    }

    #[test]
    fn a_software_adapter_is_taken_only_on_request() {
        let reports = [adapter("llvmpipe", "vulkan", "software", "")];
        assert_eq!(select(Choice::Auto, &reports), None);
        assert_eq!(select(Choice::Gpu, &reports), None);
        assert_eq!(select(Choice::Nth(0), &reports), None);
        assert_eq!(select(Choice::Software, &reports), Some(0));
    }

    #[test]
    fn a_gpu_seen_by_two_backends_counts_once() {
        let reports = [
            adapter("small", "vulkan", "integrated", "0:1"),
            adapter("bigger", "dx12", "discrete", "0:2"),
            adapter("bigger", "vulkan", "discrete", "0:2"),
            adapter("bigger", "vulkan", "discrete", "0:3"),
            adapter("gl name of small", "gl", "integrated", ""),
        ];
        assert_eq!(real_gpus(&reports), [2, 3, 0]);
        assert_eq!(select(Choice::Nth(2), &reports), Some(0));
        assert_eq!(select(Choice::Nth(3), &reports), None);
    }

    #[test]
    fn gl_alone_is_a_gpu_and_one_without_kernels_is_not() {
        let mut reports = [adapter("old", "gl", "integrated", "")];
        assert_eq!(real_gpus(&reports), [0]);
        reports[0].runs_kernels = false;
        assert_eq!(real_gpus(&reports), [] as [usize; 0]);
    }
}

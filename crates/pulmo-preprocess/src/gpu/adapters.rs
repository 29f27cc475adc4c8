//! Which adapters this machine has.

use serde::Serialize;

/// Limits of an adapter that decide whether a volume fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdapterLimits {
    /// Largest buffer, in bytes.
    pub max_buffer_bytes: u64,
    /// Largest array a kernel can read or write, in bytes.
    pub max_storage_binding_bytes: u64,
    /// Arrays one kernel can bind.
    pub max_storage_buffers: u32,
    /// Threads of one workgroup.
    pub max_workgroup_threads: u32,
    /// Workgroups along each axis of one dispatch.
    pub max_workgroups_per_dimension: u32,
}

/// Features of an adapter that make kernels faster or measurable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdapterFeatures {
    /// 16-bit floats in kernels.
    pub f16: bool,
    /// Operations across the threads of a subgroup.
    pub subgroups: bool,
    /// Timestamps around passes.
    pub timestamp_queries: bool,
}

/// One adapter as one backend shows it. The same physical GPU is listed once for each backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdapterReport {
    /// Name given by the driver.
    pub name: String,
    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub device_type: String,
    /// Name of the driver.
    pub driver: String,
    /// Version of the driver, in its own words.
    pub driver_info: String,
    /// Vendor's id; a PCI id for most.
    pub vendor_id: u32,
    /// Device's id; a PCI id for most.
    pub device_id: u32,
    /// PCI address, empty where unknown.
    pub pci_bus_id: String,
    /// Memory on the card in bytes; `None` where the system does not tell (only Linux' amdgpu does).
    pub memory_bytes: Option<u64>,
    /// Whether it can run our kernels.
    pub runs_kernels: bool,
    /// Limits that matter.
    pub limits: AdapterLimits,
    /// Features that matter.
    pub features: AdapterFeatures,
}

impl AdapterReport {
    /// Whether the adapter is a program that plays a GPU on the CPU.
    pub fn is_software(&self) -> bool {
        self.device_type == "software"
    }

    /// Name and backend, as a person would tell it.
    pub fn label(&self) -> String {
        format!("{} ({}, {})", self.name, self.backend, self.device_type)
    }
}

/// Names under which software adapters appear, whatever type they claim.
const SOFTWARE_NAMES: [&str; 5] = ["llvmpipe", "lavapipe", "swiftshader", "warp", "microsoft basic render"];

/// Whether a name is that of a software adapter. Matched by whole words, so that no product's name
/// that merely contains one is taken for it.
fn is_software_name(name: &str) -> bool {
    let name = format!(" {} ", name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " "));
    SOFTWARE_NAMES.iter().any(|software| name.contains(&format!(" {software} ")))
}

/// Returns a report for every adapter of every backend, in the order the system gives them. The
/// environment variable `WGPU_BACKEND` restricts the backends asked.
pub fn list() -> Vec<AdapterReport> {
    enumerate().1.iter().map(report).collect()
}

/// The instance and its adapters.
pub(super) fn enumerate() -> (wgpu::Instance, Vec<wgpu::Adapter>) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    (instance, adapters)
}

/// What is known about an adapter.
pub(super) fn report(adapter: &wgpu::Adapter) -> AdapterReport {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let computes = adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
    AdapterReport {
        backend: info.backend.to_str().to_owned(),
        device_type: device_type(&info).to_owned(),
        memory_bytes: memory_bytes(&info.device_pci_bus_id),
        runs_kernels: computes
            && limits.max_storage_buffers_per_shader_stage >= 4
            && limits.max_compute_invocations_per_workgroup >= 256,
        limits: AdapterLimits {
            max_buffer_bytes: limits.max_buffer_size,
            max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
            max_storage_buffers: limits.max_storage_buffers_per_shader_stage,
            max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
            max_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        },
        features: AdapterFeatures {
            f16: features.contains(wgpu::Features::SHADER_F16),
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            timestamp_queries: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        },
        name: info.name,
        driver: info.driver,
        driver_info: info.driver_info,
        vendor_id: info.vendor,
        device_id: info.device,
        pci_bus_id: info.device_pci_bus_id,
    }
}

fn device_type(info: &wgpu::AdapterInfo) -> &'static str {
    match info.device_type {
        _ if is_software_name(&info.name) => "software",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Other => "other",
    }
}

/// Memory of the card at a PCI address, as the amdgpu driver of Linux states it.
fn memory_bytes(pci_bus_id: &str) -> Option<u64> {
    if pci_bus_id.is_empty() {
        return None;
    }
    let path = format!("/sys/bus/pci/devices/{pci_bus_id}/mem_info_vram_total");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_adapters_are_known_by_name() {
        for name in [
            "llvmpipe (LLVM 15.0.6, 256 bits)",
            "SwiftShader Device (Subzero)",
            "Microsoft Basic Render Driver",
        ] {
            assert!(is_software_name(name), "{name}");
        }
        assert!(!is_software_name("NVIDIA GeForce RTX 4090"));
        assert!(!is_software_name("Warpdrive 9000"));
    }
}

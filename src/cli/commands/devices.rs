//! `pulmo devices`.

use crate::cli::args::DevicesArgs;
use crate::cli::{Exit, printer};
use crate::gpu::{AdapterReport, Choice, Chosen, choose, list};

pub(super) fn run(args: &DevicesArgs) -> anyhow::Result<Exit> {
    let adapters = list();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let auto = match choose(Choice::Auto)? {
        Chosen::Adapter(found) => found.report.label(),
        Chosen::Cpu { .. } => "cpu".to_owned(),
    };
    if args.json {
        let document = serde_json::json!({
            "cpu": { "threads": threads, "architecture": std::env::consts::ARCH },
            "auto": auto,
            "adapters": adapters,
        });
        printer::data(&serde_json::to_string_pretty(&document)?)?;
        return Ok(Exit::Done);
    }
    printer::data(&format!("cpu         {threads} threads, {}", std::env::consts::ARCH))?;
    adapters.iter().try_for_each(|adapter| printer::data(&row(adapter)))?;
    printer::data(&format!("\n--device auto takes: {auto}"))?;
    Ok(Exit::Done)
}

fn row(adapter: &AdapterReport) -> String {
    let mib = |bytes: u64| bytes >> 20;
    let memory = adapter.memory_bytes.map_or("unknown".to_owned(), |bytes| format!("{} MiB", mib(bytes)));
    let features = [
        (adapter.features.f16, "f16"),
        (adapter.features.subgroups, "subgroups"),
        (adapter.features.timestamp_queries, "timestamps"),
    ];
    let features: Vec<&str> = features.into_iter().filter_map(|(has, name)| has.then_some(name)).collect();
    format!(
        "{:<11} {}\n            {}, driver {} {}, memory {memory}, largest buffer {} MiB, largest binding {} MiB\n            features: {}",
        adapter.device_type,
        adapter.name,
        adapter.backend,
        adapter.driver,
        adapter.driver_info,
        mib(adapter.limits.max_buffer_bytes),
        mib(adapter.limits.max_storage_binding_bytes),
        if features.is_empty() {
            "none of f16, subgroups, timestamps".to_owned()
        } else {
            features.join(", ")
        },
    )
}

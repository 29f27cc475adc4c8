//! `pulmo bench`.

use std::path::Path;

use super::shared::{open_bundle, open_device};
use crate::bench::{Bandwidth, BenchEvent, BenchReport, BenchSettings, NetworkRow, PipelineRow, bench};
use crate::cli::args::BenchArgs;
use crate::cli::{Exit, output, printer, progress};

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let bundle = open_bundle(args.bundle.as_deref())?;
    let compute = open_device(args.device)?;
    args.json.as_deref().map(output::make_folder_of).transpose()?;
    let mut settings = if args.quick { BenchSettings::quick() } else { BenchSettings::default() };
    settings.keep.clone_from(&args.keep_networks);
    if !args.networks.is_empty() {
        settings.networks.clone_from(&args.networks);
    }
    let spinner = progress::spinner("measured");
    let report = bench(&bundle, &compute, &settings, &|event| match event {
        BenchEvent::Next(what) => {
            spinner.set_prefix(what.to_owned());
            spinner.inc(1);
        }
        BenchEvent::SoFar(report) => {
            // What cannot be written now is told at the end.
            let _ = args.json.as_deref().map(|path| write(path, report));
        }
    })?;
    spinner.finish_and_clear();
    print(&report)?;
    if let Some(path) = &args.json {
        write(path, &report)?;
        printer::say(&format!("written: {}", path.display()));
    }
    Ok(Exit::Done)
}

fn write(path: &Path, report: &BenchReport) -> anyhow::Result<()> {
    output::write_file(path, serde_json::to_string_pretty(report)? + "\n")
}

fn print(report: &BenchReport) -> anyhow::Result<()> {
    let machine = &report.machine;
    let processor = machine.processor.as_deref().unwrap_or("unknown processor");
    printer::data(&format!(
        "pulmo {} on {} ({}; {processor}, {} threads; {})",
        machine.pulmo, machine.device, machine.compiler, machine.threads, machine.system
    ))?;
    printer::data(&format!("\n{:<26} {:>9} {:>8} {:>8}", "preprocessing", "ms", "GB/s", "of copy"))?;
    printer::data(&format!("{:<26} {:>9} {:>8.1} {:>8}", "copy", "", report.copy_gb_per_s, ""))?;
    for row in &report.steps {
        print_bandwidth(&row.step, &row.bandwidth)?;
        for pass in row.passes.iter().filter(|_| row.passes.len() > 1) {
            print_bandwidth(&format!("  {}", pass.pass), &pass.bandwidth)?;
        }
    }
    printer::data(&format!("\n{:<40} {:>12} {:>12}", "network, images a second", "forward", "training"))?;
    report.networks.iter().try_for_each(print_network)?;
    if let Some(handover) = &report.handover {
        printer::data(&format!(
            "\nvolume to network input: {:.1} ms left on the device, {:.1} ms through the host",
            handover.on_device_ms, handover.through_host_ms
        ))?;
    }
    if let Some(pipeline) = &report.pipeline {
        print_pipeline(pipeline)?;
    }
    if let Some(peak) = report.peak_memory_mib {
        printer::data(&format!("peak memory: {peak} MiB"))?;
    }
    Ok(())
}

fn print_bandwidth(what: &str, bandwidth: &Bandwidth) -> anyhow::Result<()> {
    let Bandwidth { ms, gb_per_s, share_of_copy } = bandwidth;
    printer::data(&format!("{what:<26} {ms:>9.2} {gb_per_s:>8.1} {:>7.0}%", 100.0 * share_of_copy))
}

fn print_network(row: &NetworkRow) -> anyhow::Result<()> {
    let [channels, height, width] = row.image;
    let name = format!("{}, {} of {channels} x {height} x {width}", row.network, row.batch);
    let rate = |rate: Option<f64>| rate.map_or("failed".to_owned(), |rate| format!("{rate:.1}"));
    let [forward, training] = [row.forward_images_per_s, row.training_images_per_s].map(rate);
    printer::data(&format!("{name:<40} {forward:>12} {training:>12}"))?;
    row.problem.as_ref().map_or(Ok(()), |problem| printer::data(&format!("  {problem}")))
}

fn print_pipeline(pipeline: &PipelineRow) -> anyhow::Result<()> {
    printer::data(&format!(
        "\nDICOM to probability: {:.2} studies a second ({} studies of {:.0} slices); one after the other, \
         {:.0} % reading, {:.0} % preprocessing, {:.0} % network",
        pipeline.studies_per_s,
        pipeline.studies,
        pipeline.slices as f64 / pipeline.studies.max(1) as f64,
        100.0 * pipeline.share_read,
        100.0 * pipeline.share_preprocess,
        100.0 * pipeline.share_predict
    ))
}

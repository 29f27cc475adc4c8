//! `pulmo bench`.

use super::shared::{open_bundle, open_device};
use crate::bench::{BenchReport, BenchSettings, bench};
use crate::cli::args::BenchArgs;
use crate::cli::{Exit, output, printer, progress};

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let bundle = open_bundle(args.bundle.as_deref())?;
    let compute = open_device(args.device)?;
    args.json.as_deref().map(output::make_folder_of).transpose()?;
    let settings = if args.quick { BenchSettings::quick() } else { BenchSettings::default() };
    let spinner = progress::spinner("measured");
    let report = bench(&bundle, &compute, &settings, &|what| {
        spinner.set_prefix(what.to_owned());
        spinner.inc(1);
    })?;
    spinner.finish_and_clear();
    print(&report)?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        output::write_file(path, text + "\n")?;
        printer::say(&format!("written: {}", path.display()));
    }
    Ok(Exit::Done)
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
        printer::data(&format!(
            "{:<26} {:>9.2} {:>8.1} {:>7.0}%",
            row.step,
            row.ms,
            row.gb_per_s,
            100.0 * row.share_of_copy
        ))?;
    }
    printer::data(&format!("\n{:<40} {:>12} {:>12}", "network, images a second", "forward", "training"))?;
    for row in &report.networks {
        let [channels, height, width] = row.image;
        let name = format!("{}, {} of {channels} x {height} x {width}", row.network, row.batch);
        printer::data(&format!(
            "{name:<40} {:>12.1} {:>12.1}",
            row.forward_images_per_s, row.training_images_per_s
        ))?;
    }
    if let Some(handover) = &report.handover {
        printer::data(&format!(
            "\nvolume to network input: {:.1} ms left on the device, {:.1} ms through the host",
            handover.on_device_ms, handover.through_host_ms
        ))?;
    }
    let pipeline = &report.pipeline;
    printer::data(&format!(
        "\nDICOM to probability: {:.2} studies a second ({} studies of {:.0} slices); one after the other, \
         {:.0} % reading, {:.0} % preprocessing, {:.0} % network",
        pipeline.studies_per_s,
        pipeline.studies,
        pipeline.slices as f64 / pipeline.studies.max(1) as f64,
        100.0 * pipeline.share_read,
        100.0 * pipeline.share_preprocess,
        100.0 * pipeline.share_predict
    ))?;
    if let Some(peak) = report.peak_memory_mib {
        printer::data(&format!("peak memory: {peak} MiB"))?;
    }
    Ok(())
}

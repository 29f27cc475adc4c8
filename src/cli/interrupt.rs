//! A run that is told to end takes its temporary folders with it: they hold patients' files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::files::remove_all_temporary;

/// Set by the first signal, where a command ends by itself.
static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on the first signal only sets what is returned; the command ends by itself. The next one ends it.
pub(super) fn ask_first() -> Arc<AtomicBool> {
    ASKED.get_or_init(Arc::default).clone()
}

/// Whether a command was asked, for the first time, to end by itself.
fn is_asked() -> bool {
    ASKED.get().is_some_and(|asked| !asked.swap(true, Ordering::Relaxed))
}

/// Watches for Ctrl-C (SIGINT) and SIGTERM. The program still ends by the signal, as whoever sent it expects;
/// where they cannot be watched for, it ends without removing anything.
#[cfg(unix)]
pub(super) fn watch() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    let wait = move || {
        if let Some(signal) = signals.forever().find(|_| !is_asked()) {
            remove_all_temporary();
            _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    };
    _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// Watches for Ctrl-C; where it cannot be watched for, the program ends without removing anything.
#[cfg(not(unix))]
pub(super) fn watch() {
    /// What Windows programs end with by Ctrl-C.
    const CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();
    _ = ctrlc::set_handler(|| {
        if !is_asked() {
            remove_all_temporary();
            std::process::exit(CONTROL_C_EXIT);
        }
    });
}

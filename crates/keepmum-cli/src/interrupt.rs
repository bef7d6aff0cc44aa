//! Ctrl-C: the first one asks the run to stop in an orderly way, the second ends the process.
//!
//! Set up only once nothing is asked of the person any more, so that a prompt can be left.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::ExitCode;
use crate::failure::{Failure, Kind};

/// Whether the person wants the run to stop.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens to Ctrl-C and to the signals that ask a program to end. Once per process.
    pub(crate) fn listening(say: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let flag = Self::default();
        let raised = flag.clone();
        ctrlc::set_handler(move || {
            if raised.0.swap(true, Ordering::SeqCst) {
                process::exit(i32::from(ExitCode::Interrupted as u8));
            }
            say();
        })
        .map_err(|error| Failure::new(Kind::Local, format!("cannot listen to Ctrl-C ({error})")))?;
        Ok(flag)
    }

    /// Whether it was asked for.
    pub(crate) fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

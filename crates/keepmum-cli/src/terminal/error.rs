//! How a failure is shown: what happened, and what to do next.

use anstyle::AnsiColor;
use serde_json::json;

use super::{Terminal, text};
use crate::failure::Failure;

/// Says it to the person, and with `--json` to the program too.
pub(crate) fn show(terminal: &Terminal, failure: &Failure) {
    if terminal.json {
        let document = json!({
            "type": "error",
            "kind": failure.word(),
            "message": failure.to_string(),
            "hint": failure.hint(),
            "exit_code": failure.code() as u8,
        });
        // The exit code says it too.
        terminal.line(&document.to_string()).ok();
    }
    terminal.marked("keepmum", AnsiColor::Red, &failure.to_string());
    if let Some(hint) = failure.hint() {
        terminal.aside(&format!("hint: {}", text::line(hint)));
    }
}

//! How a failure is shown: what happened, and what to do next.

use serde_json::json;

use super::look::Tone;
use super::{Terminal, json, text};
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
        terminal.line(&json::formatted(&document)).ok();
    }
    terminal.marked("keepmum:", Tone::Damage, &failure.to_string());
    if let Some(hint) = failure.hint() {
        terminal.aside(&format!("hint: {}", text::line(hint)));
    }
}

//! How a failure is shown: what happened, and what to do next.

use std::io::{self, Write};

use anstyle::AnsiColor;
use serde_json::json;

use super::{Terminal, text};
use crate::exit::ExitCode;
use crate::failure::Failure;

/// Says to a program that what was typed makes no sense; the person is told beside it.
pub(crate) fn typed_wrong(error: &clap::Error) {
    let said = error.render().to_string();
    let message = said.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let document = json!({
        "type": "error",
        "kind": "usage",
        "message": message,
        "hint": "`keepmum --help` shows what there is",
        "exit_code": ExitCode::Usage as u8,
    });
    // The exit code says it too.
    writeln!(io::stdout().lock(), "{document}").ok();
}

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

//! `--json`: one document a line, with the field names of the reports.

use keepmum::ops::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use super::Terminal;
use crate::failure::{Failure, Kind};

/// The report as one document.
pub(crate) fn document(terminal: &Terminal, report: &impl Serialize) -> Result<(), Failure> {
    print(terminal, &value(report)?)
}

/// The report as the last of several lines.
pub(crate) fn summary(terminal: &Terminal, report: &impl Serialize) -> Result<(), Failure> {
    print(terminal, &typed("summary", value(report)?))
}

/// A line while a command runs.
pub(crate) fn typed(kind: &str, mut fields: Value) -> Value {
    if let Value::Object(fields) = &mut fields {
        fields.insert("type".to_owned(), json!(kind));
    }
    fields
}

/// A line that says something to a person.
pub(crate) fn notice(message: &str) -> Value {
    json!({"type": "notice", "message": message})
}

/// Prints a problem as a line of its own.
pub(crate) fn problem(terminal: &Terminal, problem: &Problem) -> Result<(), Failure> {
    print(terminal, &typed("problem", value(problem)?))
}

/// Prints one line.
pub(crate) fn print(terminal: &Terminal, value: &Value) -> Result<(), Failure> {
    terminal.line(&value.to_string())
}

fn value(report: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(report)
        .map_err(|error| Failure::new(Kind::Output, format!("cannot make JSON ({error})")))
}

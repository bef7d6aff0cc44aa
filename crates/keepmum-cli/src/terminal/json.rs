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

/// One document whose longest list is printed while it is made, item by item: nobody has to hold
/// all of it.
pub(crate) struct Growing<'a> {
    terminal: &'a Terminal,
    list: &'static str,
    page: String,
    begun: bool,
}

/// So many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

impl<'a> Growing<'a> {
    /// A document with a list of this name.
    pub(crate) fn new(terminal: &'a Terminal, list: &'static str) -> Self {
        Self { terminal, list, page: String::new(), begun: false }
    }

    fn begin(&mut self) {
        if !self.begun {
            self.page.push_str(&format!("{{\"{}\":[", self.list));
            self.begun = true;
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.terminal.write(std::mem::take(&mut self.page).as_bytes())
    }

    /// The next item of the list.
    pub(crate) fn item(&mut self, item: &impl Serialize) -> Result<(), Failure> {
        if self.begun {
            self.page.push(',');
        }
        self.begin();
        self.page.push_str(&value(item)?.to_string());
        if self.page.len() >= AT_ONCE { self.flush() } else { Ok(()) }
    }

    /// The other fields of the document, which end it.
    pub(crate) fn end(mut self, report: &impl Serialize) -> Result<(), Failure> {
        self.begin();
        self.page.push_str("],");
        let rest = value(report)?.to_string();
        self.page.push_str(rest.trim_start_matches('{'));
        self.page.push('\n');
        self.flush()
    }

    /// Ends it without them, because of an error that is told next.
    pub(crate) fn break_off(mut self) -> Result<(), Failure> {
        if self.begun {
            self.page.push_str("]}\n");
        }
        self.flush()
    }
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

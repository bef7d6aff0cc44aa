//! `--json`: one document a line, with the field names of the reports.
//!
//! Each begins with `"format": 1`, so that a program knows what it reads before it reads the rest.
//! Beside each time in seconds stands the same time in words of RFC 3339.

use keepmum::ops::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use super::Terminal;
use crate::failure::{Failure, Kind};
use crate::moment;

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
            self.page.push_str(&format!("{{{FORMAT},\"{}\":[", self.list));
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
    terminal.line(&formatted(value))
}

/// The document as one line that begins with its format.
pub(crate) fn formatted(value: &Value) -> String {
    let text = value.to_string();
    match text.strip_prefix('{') {
        Some("}") => format!("{{{FORMAT}}}"),
        Some(fields) => format!("{{{FORMAT},{fields}"),
        None => text,
    }
}

/// The first field of each document.
const FORMAT: &str = "\"format\":1";

fn value(report: &impl Serialize) -> Result<Value, Failure> {
    let mut value = serde_json::to_value(report)
        .map_err(|error| Failure::new(Kind::Output, format!("cannot make JSON ({error})")))?;
    add_times(&mut value);
    Ok(value)
}

/// Fields that are seconds since 1970.
const TIMES: [&str; 6] = ["time", "last_time", "last_change", "last_saved", "mtime", "created"];

/// Puts each time beside itself as RFC 3339, at the offset that stands beside it, else in UTC.
fn add_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let offset = fields.get("utc_offset_minutes").and_then(Value::as_i64);
            let offset = offset.and_then(|minutes| i16::try_from(minutes).ok()).unwrap_or(0);
            for name in TIMES {
                let Some(time) = fields.get(name) else { continue };
                let text = time.as_i64().map(|seconds| moment::rfc3339(seconds, offset));
                fields.insert(format!("{name}_rfc3339"), json!(text));
            }
            fields.values_mut().for_each(add_times);
        }
        Value::Array(values) => values.iter_mut().for_each(add_times),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, add_times, formatted, json};

    #[test]
    fn a_document_begins_with_its_format() {
        assert_eq!(formatted(&json!({})), r#"{"format":1}"#);
        assert_eq!(formatted(&json!({"a": 1})), r#"{"format":1,"a":1}"#);
        assert_eq!(formatted(&Value::Null), "null");
    }

    #[test]
    fn times_stand_there_in_words_too() {
        let mut value =
            json!({"runs": [{"time": 0, "utc_offset_minutes": 90}], "last_saved": null});
        add_times(&mut value);
        assert_eq!(value["runs"][0]["time_rfc3339"], "1970-01-01T01:30:00+01:30");
        assert_eq!(value["last_saved_rfc3339"], Value::Null);
    }
}

//! One entry that differs, as a line.

use keepmum::TreePath;
use keepmum::ops::ChangeKind;
use serde_json::{Value, json};

use super::text;

/// An entry that differs.
pub(super) struct Change {
    /// How, as `--json` says it.
    pub(super) kind: &'static str,
    /// Where it is.
    pub(super) path: TreePath,
    /// Where it was, if it moved.
    pub(super) from: Option<TreePath>,
    /// Why it is left out.
    pub(super) reason: String,
}

/// How an entry differs, as `--json` says it.
pub(super) fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::New => "new",
        ChangeKind::Changed => "changed",
        ChangeKind::Gone => "gone",
        ChangeKind::Excluded => "left_out",
        ChangeKind::Kept => "kept",
        ChangeKind::Removed => "removed",
    }
}

impl Change {
    /// The line for `--json`.
    pub(super) fn json(&self) -> Value {
        let shown = |path: &TreePath| format!("/{}", String::from_utf8_lossy(path.as_bytes()));
        json!({
            "type": "change",
            "kind": self.kind,
            "path": shown(&self.path),
            "from": self.from.as_ref().map(shown),
            "reason": self.reason,
        })
    }

    /// The line for a person, or with the exact bytes for a program.
    pub(super) fn line(&self, person_reads: bool) -> Vec<u8> {
        let mut line = format!("{:<9}", self.kind.replace('_', " ")).into_bytes();
        let mut push = |before: &str, path: &TreePath| {
            line.extend_from_slice(before.as_bytes());
            match person_reads {
                true => line.extend_from_slice(text::bytes(path.as_bytes()).as_bytes()),
                false => line.extend_from_slice(path.as_bytes()),
            }
        };
        match &self.from {
            Some(from) => {
                push("/", from);
                push(" -> /", &self.path);
            }
            None => push("/", &self.path),
        }
        if !self.reason.is_empty() {
            let why = format!(" ({})", self.reason);
            match person_reads {
                true => line.extend_from_slice(text::line(&why).as_bytes()),
                false => line.extend_from_slice(why.as_bytes()),
            }
        }
        line.push(b'\n');
        line
    }
}

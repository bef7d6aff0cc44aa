//! Problems with single files, as a list that a person can read to its end.

use keepmum::ops::{Problem, ProblemKind};

use super::{Terminal, text};

/// So many are listed.
const LISTED: usize = 20;

/// Lists them on standard error.
pub(crate) fn show(terminal: &Terminal, problems: &[Problem]) {
    for line in lines(problems) {
        terminal.aside(&line);
    }
}

fn lines(problems: &[Problem]) -> Vec<String> {
    let mut lines: Vec<_> = problems
        .iter()
        .take(LISTED)
        .map(|problem| {
            let path = text::line(&problem.path);
            format!("{}: {path}: {}", word(problem.kind), text::line(&problem.sentence))
        })
        .collect();
    if problems.len() > LISTED {
        lines.push(format!("and {} more; --json lists all", problems.len() - LISTED));
    }
    lines
}

fn word(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Unreadable => "not read",
        ProblemKind::ChangedWhileRead => "changed while it was read",
        ProblemKind::NotWhole => "not wholly saved",
        ProblemKind::NotWritten => "not written",
        ProblemKind::Newer => "kept",
        ProblemKind::NotRemoved => "not removed",
        ProblemKind::Metadata => "not wholly restored",
        ProblemKind::Pending => "pending",
        ProblemKind::Older => "older than asked for",
        ProblemKind::Unknown => "not understood",
        ProblemKind::Damaged => "damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::lines;
    use keepmum::ops::{Problem, ProblemKind};

    #[test]
    fn a_long_list_is_cut() {
        let problem = |number: usize| Problem {
            kind: ProblemKind::Unreadable,
            path: format!("/a/{number}\n"),
            sentence: "permission denied".to_owned(),
        };
        let twenty: Vec<_> = (0..20).map(problem).collect();
        assert_eq!(lines(&twenty).len(), 20);
        assert_eq!(lines(&twenty)[0], "not read: /a/0\\n: permission denied");
        let many: Vec<_> = (0..23).map(problem).collect();
        assert_eq!(lines(&many).len(), 21);
        assert_eq!(lines(&many)[20], "and 3 more; --json lists all");
        assert!(lines(&[]).is_empty());
    }
}

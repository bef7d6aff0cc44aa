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
            format!("{} {path}: {}", word(problem.kind), text::line(&problem.sentence))
        })
        .collect();
    if problems.len() > LISTED {
        lines.push(format!("and {} more; --json lists all", problems.len() - LISTED));
    }
    lines
}

fn word(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Unreadable => "Skipped",
        ProblemKind::ChangedWhileRead => "Saved",
        ProblemKind::NotWhole => "Partly saved",
        ProblemKind::NotWritten => "Not restored",
        ProblemKind::Newer => "Kept",
        ProblemKind::NotRemoved => "Not removed",
        ProblemKind::Metadata => "Partly restored",
        ProblemKind::Pending => "Waiting for",
        ProblemKind::Older => "Older",
        ProblemKind::Unknown => "Cannot read",
        ProblemKind::Damaged => "Damaged",
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
        assert_eq!(lines(&twenty)[0], "Skipped /a/0\\n: permission denied");
        let many: Vec<_> = (0..23).map(problem).collect();
        assert_eq!(lines(&many).len(), 21);
        assert_eq!(lines(&many)[20], "and 3 more; --json lists all");
        assert!(lines(&[]).is_empty());
    }
}

//! `check`: whether all that is referenced is here and whole.

use keepmum::ops::{self, CheckOptions, CheckReport, Outcome, Problem, ProblemKind};

use super::Session;
use crate::args::CheckArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{json, problems, text};

/// Looks, and with data reads.
pub(crate) fn run(args: &CheckArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let access = session.settings()?.open(session.environment, terminal, Asking::Once)?;
    let read_data_percent = if args.read_data { 100 } else { args.read_data_subset.unwrap_or(0) };
    if read_data_percent > 0 {
        ops::distrust_kept_key(&access);
    }
    let report = watched(terminal, Shape::Lines, |watch| {
        ops::check(&access, &CheckOptions { read_data_percent }, watch)
    })?;
    if terminal.json {
        json::summary(terminal, &report)?;
    } else {
        problems::show(terminal, &report.problems);
        terminal.write(page(&report, read_data_percent).as_bytes())?;
    }
    Ok(report.outcome().into())
}

/// What was looked at, what is not as it should be, and the verdict.
fn page(report: &CheckReport, percent: u8) -> String {
    let looked = format!(
        "looked at {}, {}, {}; read {}; {}\n",
        text::count(report.snapshots, "snapshot", "snapshots"),
        text::count(report.objects, "object", "objects"),
        text::count(report.chunks, "chunk", "chunks"),
        text::size(report.bytes_read),
        text::duration(report.seconds)
    );
    let counts = [
        (report.objects_damaged, "damaged"),
        (report.objects_lost, "lost: here once, gone or shorter now"),
        (report.objects_pending, "pending: named, and not here yet"),
        (
            report.objects_unclaimed,
            "named by no record: left by runs that were cut off, or of one at work",
        ),
    ];
    let mut page = looked;
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        page.push_str(&format!("{} {what}\n", text::count(count, "object", "objects")));
    }
    if report.conflict_copies > 0 {
        let copies = text::count(report.conflict_copies, "copy", "copies");
        page.push_str(&format!("{copies} made by a sync client\n"));
    }
    if report.foreign_files > 0 {
        let files = text::count(report.foreign_files, "file", "files");
        page.push_str(&format!("{files} not of keepmum, ignored\n"));
    }
    page.push_str(match (report.outcome(), percent) {
        (Outcome::Complete, 0) => {
            "all that is referenced is here; its content was not read (--read-data does)\n"
        }
        (Outcome::Complete, 100) => "all that is referenced is here and whole\n",
        (Outcome::Complete, _) => "all that is referenced is here, and what was read is whole\n",
        (Outcome::Partial, _) if report.problems.iter().any(is_unknown) => {
            "nothing is damaged, but a newer version has stored what this one does not understand\n"
        }
        (Outcome::Partial, _) => "nothing is damaged, but not everything is here\n",
        (Outcome::Damaged, _) => {
            "data is damaged or lost; a backup stores again what the source still has\n"
        }
    });
    page
}

fn is_unknown(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Unknown
}

#[cfg(test)]
mod tests {
    use super::page;
    use keepmum::ops::CheckReport;
    use snapbox::{IntoData, assert_data_eq, str};

    fn report() -> CheckReport {
        CheckReport {
            snapshots: 1,
            objects: 420,
            chunks: 9_000,
            bytes_read: 348_160,
            seconds: 0.5,
            ..CheckReport::default()
        }
    }

    #[test]
    fn a_check_without_data_does_not_claim_that_data_is_whole() {
        let said = page(&report(), 0);
        assert_eq!(
            said,
            "looked at 1 snapshot, 420 objects, 9000 chunks; read 340 KiB; 0.5 s\n\
             all that is referenced is here; its content was not read (--read-data does)\n"
        );
        assert!(page(&report(), 100).ends_with("is here and whole\n"));
        assert!(page(&report(), 5).ends_with("what was read is whole\n"));
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        let wrong = CheckReport {
            objects_damaged: 1,
            objects_lost: 2,
            objects_pending: 8,
            objects_unclaimed: 3,
            conflict_copies: 1,
            foreign_files: 4,
            ..report()
        };
        assert_data_eq!(
            page(&wrong, 100),
            str![[r#"
looked at 1 snapshot, 420 objects, 9000 chunks; read 340 KiB; 0.5 s
1 object damaged
2 objects lost: here once, gone or shorter now
8 objects pending: named, and not here yet
3 objects named by no record: left by runs that were cut off, or of one at work
1 copy made by a sync client
4 files not of keepmum, ignored
data is damaged or lost; a backup stores again what the source still has

"#]]
            .raw()
        );
        let pending = CheckReport { objects_pending: 8, ..report() };
        assert!(page(&pending, 0).ends_with("nothing is damaged, but not everything is here\n"));
    }
}

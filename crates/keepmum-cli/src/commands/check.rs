//! `check`: whether all that is referenced is here and whole.

use keepmum::ops::{self, CheckOptions, CheckReport, Outcome, Problem, ProblemKind, ReadData};

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
    let access =
        session.settings()?.for_reading().open(session.environment, terminal, Asking::Once)?;
    let read_data = match (args.read_data, args.read_data_subset) {
        (true, _) => ReadData::Everything,
        (false, subset) => subset.unwrap_or(ReadData::Nothing),
    };
    let report = watched(terminal, Shape::Lines, |watch| {
        ops::check(&access, &CheckOptions { read_data }, watch)
    })?;
    if terminal.json {
        json::summary(terminal, &report)?;
    } else if !terminal.has_nothing_to_say(report.outcome().into()) {
        problems::show(terminal, &report.problems);
        terminal.write(page(&report, read_data).as_bytes())?;
    }
    Ok(report.outcome().into())
}

/// What was looked at, what is not as it should be, and the verdict.
fn page(report: &CheckReport, asked: ReadData) -> String {
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
        (report.objects_unknown, "of a newer version, and not understood by this one"),
        (
            report.objects_unclaimed,
            "named by no record: left by runs that were cut off, or of one at work",
        ),
    ];
    let mut page = looked;
    let is_all = report.bytes_covered >= report.bytes_here;
    if asked != ReadData::Nothing && !is_all {
        page.push_str(&format!(
            "read {} of {}, {} of their bytes; the next checks go on with the others\n",
            report.objects_read,
            text::count(report.objects, "object", "objects"),
            share(report.bytes_covered, report.bytes_here)
        ));
    }
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
    page.push_str(match (report.outcome(), asked) {
        (Outcome::Complete, ReadData::Nothing) => {
            "all that is referenced is here; its content was not read (--read-data does)\n"
        }
        (Outcome::Complete, _) if report.objects_read == 0 => {
            "all that is referenced is here; no data is stored yet\n"
        }
        (Outcome::Complete, _) if is_all => "all that is referenced is here and whole\n",
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

/// A share, never rounded to all or nothing.
fn share(part: u64, whole: u64) -> String {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    if percent == 0 { "less than 1%".to_owned() } else { format!("{percent}%") }
}

fn is_unknown(problem: &Problem) -> bool {
    problem.kind == ProblemKind::Unknown
}

#[cfg(test)]
mod tests {
    use super::page;
    use keepmum::ops::{CheckReport, ReadData};
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
        let said = page(&report(), ReadData::Nothing);
        assert_eq!(
            said,
            "looked at 1 snapshot, 420 objects, 9000 chunks; read 340 KiB; 0.5 s\n\
             all that is referenced is here; its content was not read (--read-data does)\n"
        );
        let all =
            CheckReport { objects_read: 420, bytes_covered: 900, bytes_here: 900, ..report() };
        assert!(page(&all, ReadData::Everything).ends_with("is here and whole\n"));
        let some = CheckReport { objects_read: 3, bytes_covered: 60, ..all };
        assert_eq!(
            page(&some, ReadData::Percent(5)),
            "looked at 1 snapshot, 420 objects, 9000 chunks; read 340 KiB; 0.5 s\n\
             read 3 of 420 objects, 6% of their bytes; the next checks go on with the others\n\
             all that is referenced is here, and what was read is whole\n"
        );
    }

    #[test]
    fn nothing_that_was_read_is_never_whole() {
        let none = CheckReport { objects: 0, chunks: 0, bytes_read: 0, ..report() };
        for asked in [ReadData::Everything, ReadData::Percent(1), ReadData::Bytes(1)] {
            assert!(!page(&none, asked).contains("whole"), "{}", page(&none, asked));
        }
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
            unopened_files: 0,
            ..report()
        };
        assert_data_eq!(
            page(&wrong, ReadData::Everything),
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
        assert!(
            page(&pending, ReadData::Nothing)
                .ends_with("nothing is damaged, but not everything is here\n")
        );
    }
}

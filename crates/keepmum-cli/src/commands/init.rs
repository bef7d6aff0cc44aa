//! `init`: makes the repository, and a config where there is none.

use keepmum::ops;
use zeroize::Zeroize;

use super::{Session, init_questions};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, config_path};
use crate::terminal::{json, recovery, text};

/// Makes a repository where the config says, asking for a config first when there is none.
pub(crate) fn run(session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    if session.shared.from.is_some() {
        return Err(Failure::usage("init makes a repository for a config; --from is for reading"));
    }
    let path = config_path(session.shared, session.environment)?;
    if !path.exists() {
        init_questions::write_config(&path, session)?;
    }
    let settings = session.settings()?;
    let destination = settings.destination.display().to_string();
    let access = settings.open(session.environment, terminal, Asking::Twice)?;
    terminal.notice("making the keys takes a moment");
    let mut report = ops::init(&access)?;
    let said = if terminal.json {
        json::document(terminal, &report)
    } else {
        let mut page = page(&destination, &report.recovery_code, report.foreign_files);
        let said = terminal.write(page.as_bytes());
        page.zeroize();
        said
    };
    report.recovery_code.zeroize();
    said.map(|()| ExitCode::Done)
}

fn page(destination: &str, recovery_code: &str, foreign_files: u64) -> String {
    format!(
        "The repository is made: {}\n{}{}",
        text::line(destination),
        recovery::foreign(foreign_files),
        recovery::page(recovery_code)
    )
}

#[cfg(test)]
mod tests {
    use super::page;
    use snapbox::{IntoData, assert_data_eq, str};

    #[test]
    fn the_recovery_code_is_shown_with_what_it_is_good_for() {
        assert_data_eq!(
            page("/media/disk\n", "aaaa-bbbb-cccc", 1),
            str![[r#"
The repository is made: /media/disk\n
1 file there is not keepmum's and will be ignored

Recovery code:

    aaaa-bbbb-cccc

It opens the repository when the password is lost. It is shown this once and
kept nowhere: write it down, and keep it where neither this machine nor the
destination is. Whoever has it and the destination can read every backup.


"#]]
            .raw()
        );
        assert!(!page("/d", "c", 0).contains("ignored"));
    }
}

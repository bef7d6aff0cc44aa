//! The form that `man` reads.

use super::page::Block;

/// A whole page.
pub(super) fn page(blocks: &[Block], name: &str, number: u8) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH {} {number} \"\" \"keepmum {version}\" \"keepmum manual\"\n.nh\n.ad l\n",
        name.to_uppercase()
    );
    for block in blocks {
        match block {
            Block::Section(heading) => {
                page.push_str(&format!(".SH \"{}\"\n", escaped(&heading.to_uppercase())));
            }
            Block::Text(text) => page.push_str(&format!(".PP\n{}\n", inline(text))),
            Block::Item(word, texts) => {
                page.push_str(&format!(".TP\n{}\n", inline(word)));
                for (index, text) in texts.iter().enumerate() {
                    let before = if index == 0 { "" } else { ".IP\n" };
                    page.push_str(&format!("{before}{}\n", inline(text)));
                }
            }
            Block::Literal(lines) => {
                let lines: Vec<_> = lines.lines().map(escaped).collect();
                page.push_str(&format!(".PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", lines.join("\n")));
            }
        }
    }
    page
}

/// Text in which whatever stands in backticks is bold.
fn inline(text: &str) -> String {
    let mut page = String::new();
    for (index, part) in text.split('`').enumerate() {
        match index % 2 {
            0 => page.push_str(&escaped(part)),
            _ => page.push_str(&format!("\\fB{}\\fR", escaped(part))),
        }
    }
    guarded(page)
}

/// Characters that mean something else there.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    guarded(text.replace('^', "\\(ha").replace('~', "\\(ti").replace('"', "\\(dq"))
}

/// A line that begins with a dot would be taken for an order.
fn guarded(line: String) -> String {
    if line.starts_with('.') { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::{escaped, inline};

    #[test]
    fn nothing_is_taken_for_an_order() {
        assert_eq!(escaped(".config"), "\\&.config");
        assert_eq!(escaped("a\\b 'x' ~/y-z"), "a\\eb \\(aqx\\(aq \\(ti/y\\-z");
        assert_eq!(inline("see `keepmum ls -l` there"), "see \\fBkeepmum ls \\-l\\fR there");
    }
}

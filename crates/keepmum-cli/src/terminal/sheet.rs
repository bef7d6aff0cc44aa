//! A sheet to print: where the backup is, its recovery code, and how everything comes back.
//!
//! It is one HTML file that loads nothing from anywhere: the code must not leave this computer.

use std::path::Path;

use qrcode::QrCode;
use qrcode::render::svg;
use zeroize::Zeroizing;

/// Room for everything, so that the text does not grow and leave a copy of the code behind.
const ROOM: usize = 64 * 1024;

/// The sheet.
pub(super) fn html(code: &str, destination: &Path) -> Zeroizing<String> {
    let place = destination.canonicalize().unwrap_or_else(|_| destination.to_owned());
    let place = escaped(&place.to_string_lossy());
    let picture = QrCode::new(code).map(|code| {
        let mut drawn = code.render::<svg::Color<'_>>();
        Zeroizing::new(drawn.min_dimensions(220, 220).build())
    });
    let picture = picture.unwrap_or_default();
    // An XML declaration has no place within HTML.
    let picture = picture.find("<svg").map_or("", |at| &picture[at..]);
    let mut page = Zeroizing::new(String::with_capacity(ROOM + place.len() * 3));
    for part in [
        HEAD,
        "<p>Backup:</p>\n<p class=\"code\">",
        &place,
        "</p>\n<p>Recovery code:</p>\n<p class=\"code\">",
        code,
        "</p>\n",
        picture,
        "\n<h2>To get everything back</h2>\n<ol>\n<li>Install keepmum on any computer.</li>\n<li>Let \
         the sync client download the folder of the backup, or connect its disk.</li>\n<li>Run \
         <code>keepmum restore --from FOLDER --target NEW-FOLDER</code>, with the folder of the \
         backup as FOLDER. Type the recovery code when it asks for the password.</li>\n</ol>\n",
        TAIL,
    ] {
        page.push_str(part);
    }
    page
}

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<title>Recovery of a keepmum backup</title>
<style>
body { font: 12pt/1.5 sans-serif; max-width: 17cm; margin: 1.5cm auto; }
.code { font: bold 13pt monospace; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Recovery of a keepmum backup</h1>
";

const TAIL: &str =
    "<p>Keep this sheet away from the computer and from the backup: whoever has both can
read everything. When it is printed, delete the file. A new recovery code
(<code>keepmum key recovery</code>) makes this sheet void.</p>
</body>
</html>
";

/// A text within HTML.
fn escaped(text: &str) -> String {
    let text = super::text::line(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::html;
    use std::path::Path;

    #[test]
    fn the_sheet_holds_what_is_needed_and_loads_nothing() {
        let code = "mrsw-mz3i-nfvg-w3dn-nzxx-a4ls-on2h-k5tx-gtkm";
        let page = html(code, Path::new("/no/<script>&\u{202e}where"));
        assert_eq!(page.matches(code).count(), 1);
        assert!(page.contains("/no/&lt;script&gt;&amp;\\u{202e}where"), "{}", *page);
        assert_eq!(page.matches("<svg").count(), 1);
        assert_eq!(page.matches("<li>").count(), 3);
        for outside in ["<script", "<link", "<img", " src=", "url(", "@import", "<?xml"] {
            assert!(!page.contains(outside), "{outside}");
        }
        // The only address is the name of SVG's own language.
        assert_eq!(
            page.matches("http").count(),
            page.matches("http://www.w3.org/2000/svg").count()
        );
        assert!(page.len() < super::ROOM);
    }
}

//! The timeline as an SVG file that any browser shows.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::timeline::Timeline;

const TITLE: &str = "Every token from mint to revoke, and what was delivered";
const LEFT: f64 = 190.0;
const WIDTH: f64 = 760.0;
const ROW: f64 = 26.0;
const TOP: f64 = 56.0;
/// One colour per revision, told apart by people with any kind of colour vision.
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
];

pub(super) fn write(timeline: &Timeline, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, draw(timeline)).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn draw(timeline: &Timeline) -> String {
    let Some((from, to)) = timeline.span() else {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>\n".to_owned();
    };
    let seconds = to.duration_since(from).as_secs_f64().max(1.0);
    let x = |at: Timestamp| {
        LEFT + (at.duration_since(from).as_secs_f64() / seconds).clamp(0.0, 1.0) * WIDTH
    };
    let mut body = String::new();
    let mut y = TOP;

    for system in timeline.systems() {
        for bar in timeline.bars.iter().filter(|bar| bar.system == system) {
            let label = format!("{system} revision {}", bar.revision);
            let title = format!(
                "{}: {:.1} s",
                bar.id,
                bar.to.duration_since(bar.from).as_secs_f64()
            );
            rectangle(
                &mut body,
                (x(bar.from), x(bar.to), y, 14.0),
                colour(&bar.revision),
                &title,
            );
            text(&mut body, (8.0, y + 12.0), &label);
            y += ROW;
        }
        for (id, from, to) in timeline.held(system) {
            let bar = timeline.bars.iter().find(|bar| bar.id == id);
            let colour = bar.map_or("#888888", |bar| colour(&bar.revision));
            rectangle(
                &mut body,
                (x(from), x(to), y + 4.0, 5.0),
                colour,
                &format!("delivered: {id}"),
            );
        }
        text(&mut body, (8.0, y + 12.0), &format!("{system} delivers"));
        y += ROW * 1.5;
    }
    for kill in &timeline.kills {
        let at = x(*kill);
        let _ = writeln!(
            body,
            r#"<line x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{y:.1}" stroke="crimson" stroke-dasharray="4 3"/>"#
        );
        text(&mut body, (at + 4.0, y), "SIGKILL");
    }
    let mut tick = 0.0;
    while tick <= seconds {
        let at = LEFT + tick / seconds * WIDTH;
        text(&mut body, (at, TOP - 12.0), &format!("{tick:.0} s"));
        tick += 10.0;
    }
    let (width, height) = (LEFT + WIDTH + 30.0, y + 20.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{TITLE}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" font-size=\"15\">{TITLE}</text>\n{body}</svg>\n"
    )
}

fn colour(revision: &str) -> &'static str {
    let number: usize = revision.parse().unwrap_or(0);
    COLOURS
        .get(number % COLOURS.len())
        .copied()
        .unwrap_or("#888888")
}

/// `place` is left, right, top and height.
fn rectangle(body: &mut String, place: (f64, f64, f64, f64), colour: &str, title: &str) {
    let (left, right, top, height) = place;
    let width = (right - left).max(2.0);
    let title = escape(title);
    let _ = writeln!(
        body,
        r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height}" rx="3" fill="{colour}"><title>{title}</title></rect>"#
    );
}

fn text(body: &mut String, place: (f64, f64), words: &str) {
    let (x, y) = place;
    let _ = writeln!(
        body,
        r#"<text x="{x:.1}" y="{y:.1}">{}</text>"#,
        escape(words)
    );
}

fn escape(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

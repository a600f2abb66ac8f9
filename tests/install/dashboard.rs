//! The dashboard as a picture: each panel of it over one recorded run, as Prometheus answers its questions.
//!
//! `dashboard-run.json` is what an operator said at `/metrics`, every fifteen seconds of twelve minutes, on
//! a real kube-apiserver: eight ApiTokens of two teams that live for minutes are minted and rotated, and in the
//! middle their issuer, a sandbox, hangs for a minute. Instants are told from the beginning of the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};
use tokenwright_testbed::tools;

use super::packed::{holds, root};

const STEP: u64 = 15;
const WIDTH: f64 = 470.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 34.0;
const PLOT: f64 = 120.0;
/// Told apart with any kind of colour vision.
const COLOURS: [&str; 8] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b0a000", "#888888",
];

fn read(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

/// The labels of a line, and its values by their step.
type Lines = BTreeMap<String, BTreeMap<u64, f64>>;

#[test]
fn the_picture_of_the_dashboard_shows_each_panel_over_a_recorded_run() {
    let dashboard = read("charts/tokenwright/files/metrics/dashboard.json");
    let panels = dashboard["panels"].as_array().unwrap();
    let run = read("tests/install/dashboard-run.json");
    let steps = run["steps"].as_u64().unwrap();
    let questions: Vec<&str> = targets(panels)
        .map(|it| it["expr"].as_str().unwrap())
        .collect();
    let mut answers = asked(&run["series"], &questions, steps).into_iter();

    let mut body = String::new();
    let mut bottom = 0.0_f64;
    for (nth, panel) in panels.iter().enumerate() {
        let mut lines = Vec::new();
        for (target, answer) in panel["targets"]
            .as_array()
            .unwrap()
            .iter()
            .zip(answers.by_ref())
        {
            let legend = target["legendFormat"].as_str().unwrap();
            lines.extend(
                answer
                    .into_iter()
                    .map(|(labels, line)| (named(legend, &labels), line)),
            );
        }
        let (x, y) = ((nth % 2) as f64 * (WIDTH + 20.0), (nth / 2) as f64 * HEIGHT);
        bottom = bottom.max(y + HEIGHT);
        let _ = writeln!(body, "<g transform=\"translate({x} {y})\">");
        draw(&mut body, panel, &lines, steps);
        body.push_str("</g>\n");
    }
    let title = dashboard["title"].as_str().unwrap();
    let picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {bottom:.0}\" font-family=\"system-ui, sans-serif\" font-size=\"11\" role=\"img\" aria-label=\"The panels of the dashboard {title}, over a recorded run\">\n\
         <style>text {{ fill: #1f2933 }} .title {{ font-size: 13px; font-weight: 600 }} .quiet {{ fill: #52606d }} .frame {{ fill: none; stroke: #cbd2d9 }} polyline {{ fill: none; stroke-width: 1.5 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #f5f7fa }} .quiet {{ fill: #cbd2d9 }} .frame {{ stroke: #52606d }} }}</style>\n\
         {body}</svg>\n",
        WIDTH * 2.0 + 20.0
    );
    holds("docs/images/dashboard.svg", &picture);
}

fn targets(panels: &[Value]) -> impl Iterator<Item = &Value> {
    panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
}

/// Asks Prometheus each question at each step. It has no command that answers; but it says what it got where
/// nothing is expected.
fn asked(series: &Value, questions: &[&str], steps: u64) -> Vec<Lines> {
    let at = |step: u64| step * STEP;
    let tests = questions.iter().flat_map(|question| {
        (0..steps).map(move |step| {
            json!({ "expr": question, "eval_time": format!("{}s", at(step)), "exp_samples": [] })
        })
    });
    let step = format!("{STEP}s");
    let file = json!({
        "rule_files": [],
        "evaluation_interval": step,
        "tests": [{ "interval": step, "input_series": series, "promql_expr_test": tests.collect::<Vec<_>>() }],
    });
    let path = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(path.path(), file.to_string()).unwrap();
    let mut promtool = Command::new(tools::promtool().unwrap());
    let output = promtool
        .args(["test", "rules"])
        .arg(path.path())
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();

    let mut answers = vec![Lines::new(); questions.len()];
    let mut asked = None;
    for line in said.lines().map(str::trim) {
        if let Some(question) = line.strip_prefix("expr: \"") {
            asked = (0..questions.len()).find_map(|nth| {
                let rest = question.strip_prefix(questions[nth])?;
                let time = rest.strip_prefix("\", time: ")?.strip_suffix(',')?;
                Some((nth, seconds(time) / STEP))
            });
        } else if let (Some((nth, step)), Some(got)) = (asked, line.strip_prefix("got: ")) {
            for (labels, value) in samples(got) {
                answers[nth].entry(labels).or_default().insert(step, value);
            }
        }
    }
    assert!(answers.iter().any(|lines| !lines.is_empty()), "{said}");
    answers
}

/// A length of time as Prometheus writes it, such as `1m15s`.
fn seconds(text: &str) -> u64 {
    let mut sum = 0;
    let mut digits = String::new();
    for letter in text.chars() {
        match letter {
            'h' => sum += 3600 * digits.split_off(0).parse::<u64>().unwrap(),
            'm' => sum += 60 * digits.split_off(0).parse::<u64>().unwrap(),
            's' => sum += digits.split_off(0).parse::<u64>().unwrap(),
            digit => digits.push(digit),
        }
    }
    sum
}

/// `name{labels} value, …`, without what is no number.
fn samples(mut text: &str) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    while let Some((_, rest)) = text.split_once('{') {
        let (labels, rest) = rest.split_once("} ").unwrap();
        let (value, rest) = rest.split_once(", ").unwrap_or((rest, ""));
        let value: f64 = value.parse().unwrap();
        if value.is_finite() {
            found.push((labels.to_owned(), value));
        }
        text = rest;
    }
    found
}

/// A line's name, by the labels that its legend names.
fn named(legend: &str, labels: &str) -> String {
    let labels = labels.split(", ").filter_map(|label| label.split_once('='));
    let named = labels.fold(legend.to_owned(), |named, (label, value)| {
        named.replace(&format!("{{{{{label}}}}}"), value.trim_matches('"'))
    });
    named.trim().to_owned()
}

fn draw(body: &mut String, panel: &Value, lines: &[(String, BTreeMap<u64, f64>)], steps: u64) {
    let title = panel["title"].as_str().unwrap();
    let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
    let values = || lines.iter().flat_map(|(_, line)| line.values().copied());
    let low = values().fold(0.0, f64::min);
    let high = values().fold(low, f64::max);
    let flat = high <= low;
    // A flat line lies on the ground.
    let high = if flat { low + 1.0 } else { high };
    let shown = if flat { vec![low] } else { vec![low, high] };
    let right = WIDTH - LEFT - 10.0;
    let place = |step: u64, value: f64| {
        let x = LEFT + step as f64 / (steps - 1) as f64 * right;
        (x, TOP + (high - value) / (high - low) * PLOT)
    };
    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"8\" y=\"20\">{title}</text>\n\
         <rect class=\"frame\" x=\"{LEFT}\" y=\"{TOP}\" width=\"{right}\" height=\"{PLOT}\"/>"
    );
    if values().next().is_none() {
        let (x, y) = (LEFT + right / 2.0, TOP + PLOT / 2.0);
        let _ = writeln!(
            body,
            "<text class=\"quiet\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">nothing in this run</text>"
        );
    }
    for value in shown {
        let (_, y) = place(0, value);
        let _ = writeln!(
            body,
            "<text class=\"quiet\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 5.0,
            y + 4.0,
            told(value, unit)
        );
    }
    for step in (0..steps).step_by((300 / STEP) as usize) {
        let (x, y) = place(step, low);
        let minutes = step * STEP / 60;
        let _ = writeln!(
            body,
            "<text class=\"quiet\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minutes} min</text>",
            y + 14.0
        );
    }
    for ((name, line), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let mut points = String::new();
        let mut last = None;
        for (step, value) in line {
            let (x, y) = place(*step, *value);
            // Where nothing was answered, nothing is drawn.
            let gap = last.is_some_and(|last: u64| last + 1 < *step);
            let _ = write!(points, "{}{x:.1},{y:.1}", if gap { "|" } else { " " });
            last = Some(*step);
        }
        for points in points.split('|') {
            let points = points.trim();
            let _ = writeln!(
                body,
                "<polyline stroke=\"{colour}\" points=\"{points}\"><title>{name}</title></polyline>"
            );
        }
    }
    legend(body, lines);
}

/// The names of the first eight lines, and how many there are beside.
fn legend(body: &mut String, lines: &[(String, BTreeMap<u64, f64>)]) {
    let top = TOP + PLOT + 32.0;
    for (nth, ((name, _), colour)) in lines.iter().zip(COLOURS).enumerate() {
        let (x, y) = (
            8.0 + (nth % 2) as f64 * 230.0,
            top + (nth / 2) as f64 * 14.0,
        );
        let _ = writeln!(
            body,
            "<rect x=\"{x}\" y=\"{}\" width=\"10\" height=\"3\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{name}</text>",
            y - 5.0,
            x + 15.0
        );
    }
    if let more @ 1.. = lines.len().saturating_sub(COLOURS.len()) {
        let _ = writeln!(
            body,
            "<text class=\"quiet\" x=\"8\" y=\"{}\">and {more} more</text>",
            top + 56.0
        );
    }
}

/// A value in its unit, short.
fn told(value: f64, unit: &str) -> String {
    match unit {
        "s" if value.abs() >= 120.0 => format!("{:.0} min", value / 60.0),
        "s" if value.abs() >= 2.0 || value == 0.0 => format!("{value:.0} s"),
        "s" => format!("{:.0} ms", value * 1000.0),
        "ops" if value > 0.0 => format!("{:.1}/min", value * 60.0),
        "ops" => "0".to_owned(),
        _ => format!("{}", (value * 100.0).round() / 100.0),
    }
}

//! Expressions with one thing changed: a field, a number, a literal, an alternative, a filter, a negation.

/// Templates whose expressions are changed.
pub(super) fn inside(template: &str) -> Vec<String> {
    let mut others = Vec::new();
    for (start, _) in template.match_indices("$(") {
        let rest = &template[start + 2..];
        let end = (0..rest.len()).filter(|at| rest.as_bytes()[*at] == b')');
        // The closing parenthesis is the one before which the others are even.
        let even = |end: &usize| {
            let inner = &rest[..*end];
            inner.matches('(').count() == inner.matches(')').count()
        };
        let Some(end) = end.into_iter().find(even) else {
            continue;
        };
        let (inner, after) = rest.split_at(end);
        let changed = of_expression(inner).into_iter();
        others.extend(changed.map(|new| format!("{}$({new}{after}", &template[..start])));
    }
    others
}

/// Expressions with one thing changed.
pub(super) fn of_expression(text: &str) -> Vec<String> {
    let mut others = words(text);
    if let Some((one, other)) = text.split_once(" or ") {
        let balanced = |part: &str| part.matches('(').count() == part.matches(')').count();
        if balanced(one) {
            others.extend([one.to_owned(), other.to_owned()]);
        }
    }
    if let Some(positive) = text.strip_prefix("not ") {
        others.push(positive.to_owned());
    }
    for (old, new) in [("==", "!="), ("!=", "==")] {
        if text.contains(old) {
            others.push(text.replacen(old, new, 1));
        }
    }
    others.extend(filters(text));
    others
}

/// Another field, another number, another literal.
fn words(text: &str) -> Vec<String> {
    let mut others = Vec::new();
    let bytes = text.as_bytes();
    let word = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    let mut quote = None;
    for at in 0..bytes.len() {
        match (quote, bytes[at]) {
            (Some(open), b) if b == open => {
                others.push(format!("{}x{}", &text[..at], &text[at..]));
                quote = None;
            }
            (Some(_), _) => {}
            (None, b @ (b'"' | b'\'')) => quote = Some(b),
            (None, _) => {
                // The end of a field or of a number.
                let ends = word(at) && !word(at + 1);
                let start = (0..=at).rev().take_while(|i| word(*i)).last();
                let start = start.unwrap_or(at);
                let (before, whole, after) = (&text[..start], &text[start..=at], &text[at + 1..]);
                match (ends, whole.parse::<u32>()) {
                    (true, Ok(number)) => others.push(format!("{before}{}{after}", number + 1)),
                    (true, Err(_)) if before.ends_with('.') => {
                        others.push(format!("{before}{whole}0{after}"));
                    }
                    (_, _) => {}
                }
            }
        }
    }
    others
}

/// Each filter left out: from its bar to the next one outside of parentheses.
fn filters(text: &str) -> Vec<String> {
    let bars = text.match_indices('|');
    let without = bars.map(|(start, _)| {
        let mut depth = 0_i32;
        let rest = &text[start + 1..];
        let end = rest.find(|c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth < 0 || (depth == 0 && c == '|') || (depth == 0 && c == '[')
        });
        let end = end.map_or(text.len(), |end| start + 1 + end);
        format!("{}{}", text[..start].trim_end(), &text[end..])
    });
    without.collect()
}

//! Expressions as they are written: what they are made of, before anybody evaluates them.

use std::collections::BTreeSet;

use minijinja::machinery;
use minijinja::machinery::ast::{CallArg, Expr};

/// The expressions that an expression is made of.
pub(super) fn parts_of<'a, 's>(expression: &'a Expr<'s>) -> Vec<&'a Expr<'s>> {
    match expression {
        Expr::Var(_) | Expr::Const(_) => Vec::new(),
        Expr::Slice(slice) => {
            let ends = [&slice.start, &slice.stop, &slice.step];
            let ends = ends.into_iter().flatten();
            [&slice.expr].into_iter().chain(ends).collect()
        }
        Expr::UnaryOp(one) => vec![&one.expr],
        Expr::BinOp(two) => vec![&two.left, &two.right],
        Expr::Compare(chain) => {
            let others = chain.ops.iter().map(|op| &op.expr);
            [&chain.expr].into_iter().chain(others).collect()
        }
        Expr::IfExpr(choice) => {
            let both = [&choice.test_expr, &choice.true_expr].into_iter();
            both.chain(&choice.false_expr).collect()
        }
        Expr::Filter(filter) => filter.expr.iter().chain(arguments(&filter.args)).collect(),
        Expr::Test(test) => [&test.expr]
            .into_iter()
            .chain(arguments(&test.args))
            .collect(),
        Expr::GetAttr(attribute) => vec![&attribute.expr],
        Expr::GetItem(item) => vec![&item.expr, &item.subscript_expr],
        Expr::Call(call) => [&call.expr]
            .into_iter()
            .chain(arguments(&call.args))
            .collect(),
        Expr::List(list) => list.items.iter().collect(),
        Expr::Tuple(tuple) => tuple.items.iter().collect(),
        Expr::Map(map) => map.keys.iter().chain(&map.values).collect(),
    }
}

fn arguments<'a, 's>(arguments: &'a [CallArg<'s>]) -> impl Iterator<Item = &'a Expr<'s>> {
    arguments.iter().map(|argument| match argument {
        CallArg::Pos(expression)
        | CallArg::Kwarg(_, expression)
        | CallArg::PosSplat(expression)
        | CallArg::KwargSplat(expression) => expression,
    })
}

/// The texts that an expression puts between the entries of a list, or takes a text apart at.
pub(super) fn separators(source: &str) -> BTreeSet<String> {
    let Ok(parsed) = machinery::parse_expr(source) else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    let mut left = vec![&parsed];
    while let Some(expression) = left.pop() {
        left.extend(parts_of(expression));
        if let Expr::Filter(filter) = expression
            && ["join", "split"].contains(&filter.name)
            && let Some(between) = arguments(&filter.args).next()
        {
            let text = between.as_const();
            let text = text.as_ref().and_then(minijinja::Value::as_str);
            found.extend(text.map(str::to_owned));
        }
    }
    found.remove("");
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_entries_of_a_list_is_found_wherever_it_is_joined_or_taken_apart() {
        for (source, between) in [
            ("scopes | join(' ')", &[" "][..]),
            (
                "scopes | map('string') | join(', ') if scopes else none",
                &[", "],
            ),
            ("(item.scopes or '')[8:] | split(',') | select", &[","]),
            ("item.s | split(',') | join(' ') | split(' ')", &[" ", ","]),
            ("scopes | join('')", &[]),
            ("scopes | sort", &[]),
            ("scopes | join(name)", &[]),
        ] {
            let found = separators(source);
            let found: Vec<_> = found.iter().map(String::as_str).collect();
            assert_eq!(found, between, "{source}");
        }
    }
}

//! What an expression calls: filters, tests and functions, each of which must exist.
//!
//! The engine looks a name up only when it comes to it, which no example may make it do.

use minijinja::machinery::ast::{CallArg, Expr};
use minijinja::{Environment, context, machinery};

use crate::profile::functions::FUNCTIONS;

/// Something that an expression calls and that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::profile) enum UnknownCall {
    #[error("filter {0}")]
    Filter(String),
    #[error("test {0}")]
    Test(String),
    #[error("function {0}")]
    Function(String),
    #[error("method {0}")]
    Method(String),
    #[error("a value as a function")]
    Value,
}

/// The first thing that the expression calls and that does not exist.
pub(super) fn unknown(
    source: &str,
    environment: &'static Environment<'static>,
) -> Option<UnknownCall> {
    // Whoever asks has compiled it before, so that it is an expression.
    let parsed = machinery::parse_expr(source).ok()?;
    Search { environment }.expression(&parsed)
}

#[derive(Clone, Copy)]
struct Search {
    environment: &'static Environment<'static>,
}

impl Search {
    fn expression(self, expression: &Expr<'_>) -> Option<UnknownCall> {
        match expression {
            Expr::Var(_) | Expr::Const(_) => None,
            Expr::Slice(slice) => {
                let ends = [&slice.start, &slice.stop, &slice.step];
                let ends = ends.into_iter().flatten();
                self.all([&slice.expr].into_iter().chain(ends))
            }
            Expr::UnaryOp(one) => self.expression(&one.expr),
            Expr::BinOp(two) => self.all([&two.left, &two.right]),
            Expr::Compare(chain) => {
                let others = chain.ops.iter().map(|op| &op.expr);
                self.all([&chain.expr].into_iter().chain(others))
            }
            Expr::IfExpr(choice) => {
                let both = [&choice.test_expr, &choice.true_expr].into_iter();
                self.all(both.chain(&choice.false_expr))
            }
            Expr::Filter(filter) => self
                .filter(filter.name)
                .or_else(|| self.all(&filter.expr))
                .or_else(|| self.arguments(&filter.args))
                .or_else(|| self.named_by_text(filter.name, &filter.args)),
            Expr::Test(test) => self
                .test(test.name)
                .or_else(|| self.expression(&test.expr))
                .or_else(|| self.arguments(&test.args)),
            Expr::GetAttr(attribute) => self.expression(&attribute.expr),
            Expr::GetItem(item) => self.all([&item.expr, &item.subscript_expr]),
            Expr::Call(call) => self
                .callee(&call.expr)
                .or_else(|| self.arguments(&call.args)),
            Expr::List(list) => self.all(&list.items),
            Expr::Tuple(tuple) => self.all(&tuple.items),
            Expr::Map(map) => self.all(map.keys.iter().chain(&map.values)),
        }
    }

    fn all<'a, 's: 'a>(
        self,
        expressions: impl IntoIterator<Item = &'a Expr<'s>>,
    ) -> Option<UnknownCall> {
        let mut expressions = expressions.into_iter();
        expressions.find_map(|expression| self.expression(expression))
    }

    fn arguments(self, arguments: &[CallArg<'_>]) -> Option<UnknownCall> {
        self.all(arguments.iter().map(|argument| match argument {
            CallArg::Pos(expression)
            | CallArg::Kwarg(_, expression)
            | CallArg::PosSplat(expression)
            | CallArg::KwargSplat(expression) => expression,
        }))
    }

    /// No value of an answer can be called, and none has methods.
    fn callee(self, callee: &Expr<'_>) -> Option<UnknownCall> {
        match callee {
            Expr::Var(name) if FUNCTIONS.contains(&name.id) => None,
            Expr::Var(name) => Some(UnknownCall::Function(name.id.to_owned())),
            Expr::GetAttr(method) => Some(UnknownCall::Method(method.name.to_owned())),
            Expr::Const(_)
            | Expr::Slice(_)
            | Expr::UnaryOp(_)
            | Expr::BinOp(_)
            | Expr::Compare(_)
            | Expr::IfExpr(_)
            | Expr::Filter(_)
            | Expr::Test(_)
            | Expr::GetItem(_)
            | Expr::Call(_)
            | Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Map(_) => Some(UnknownCall::Value),
        }
    }

    /// Some filters take the name of another, or of a test, as a text: `map("int")`.
    fn named_by_text(self, filter: &str, arguments: &[CallArg<'_>]) -> Option<UnknownCall> {
        let place = match filter {
            "map" | "select" | "reject" => 0,
            "selectattr" | "rejectattr" => 1,
            _ => return None,
        };
        let texts = arguments.iter().filter_map(|argument| match argument {
            CallArg::Pos(expression) => Some(expression.as_const()),
            CallArg::Kwarg(..) | CallArg::PosSplat(_) | CallArg::KwargSplat(_) => None,
        });
        let named = texts.into_iter().nth(place).flatten()?;
        match filter {
            "map" => self.filter(named.as_str()?),
            _ => self.test(named.as_str()?),
        }
    }

    fn filter(self, name: &str) -> Option<UnknownCall> {
        let unknown = !self.has("name is filter", name);
        unknown.then(|| UnknownCall::Filter(name.to_owned()))
    }

    fn test(self, name: &str) -> Option<UnknownCall> {
        let unknown = !self.has("name is test", name);
        unknown.then(|| UnknownCall::Test(name.to_owned()))
    }

    /// Asks the engine itself, which has no list of what it knows.
    fn has(self, question: &'static str, name: &str) -> bool {
        let asked = self.environment.compile_expression(question);
        let told = asked.and_then(|asked| asked.eval(context! { name }));
        told.is_ok_and(|told| told.is_true())
    }
}

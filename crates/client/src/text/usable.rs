//! What is wrong with an expression that the engine would find only when it runs it, which no example may
//! make it do: filters, tests and functions that do not exist, and products of what is no number.

use minijinja::machinery::ast::{BinOp, BinOpKind, CallArg, Expr, UnaryOpKind};
use minijinja::value::ValueKind;
use minijinja::{Environment, context, machinery};

use super::functions::FUNCTIONS;
use super::syntax::parts_of;

/// Something that an expression must not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("uses filter {0}, which is not known here")]
    Filter(String),
    #[error("uses test {0}, which is not known here")]
    Test(String),
    #[error("uses function {0}, which is not known here")]
    Function(String),
    #[error("uses method {0}, which is not known here")]
    Method(String),
    #[error("uses a value as a function, which is not known here")]
    Value,
    /// What is no number is repeated by a product: a text or a list of an answer, millions of times.
    #[error(
        "multiplies what may be a text or a list: say that it is a number, with |int or |float"
    )]
    Product,
}

/// The first thing that is wrong with the expression.
pub(crate) fn wrong(source: &str, environment: &'static Environment<'static>) -> Option<Unusable> {
    // Whoever asks has compiled it before, so that it is an expression.
    let parsed = machinery::parse_expr(source).ok()?;
    Search { environment }.expression(&parsed)
}

#[derive(Clone, Copy)]
struct Search {
    environment: &'static Environment<'static>,
}

impl Search {
    fn expression(self, expression: &Expr<'_>) -> Option<Unusable> {
        let mut parts = parts_of(expression).into_iter();
        self.itself(expression)
            .or_else(|| parts.find_map(|part| self.expression(part)))
    }

    /// What is wrong with it, its parts apart.
    fn itself(self, expression: &Expr<'_>) -> Option<Unusable> {
        match expression {
            Expr::BinOp(two) if matches!(two.op, BinOpKind::Mul) && !both_numbers(two) => {
                Some(Unusable::Product)
            }
            Expr::Filter(filter) => self
                .filter(filter.name)
                .or_else(|| self.named_by_text(filter.name, &filter.args)),
            Expr::Test(test) => self.test(test.name),
            Expr::Call(call) => self.callee(&call.expr),
            Expr::Var(_)
            | Expr::Const(_)
            | Expr::Slice(_)
            | Expr::UnaryOp(_)
            | Expr::BinOp(_)
            | Expr::Compare(_)
            | Expr::IfExpr(_)
            | Expr::GetAttr(_)
            | Expr::GetItem(_)
            | Expr::List(_)
            | Expr::Tuple(_)
            | Expr::Map(_) => None,
        }
    }

    /// No value of an answer can be called, and none has methods.
    fn callee(self, callee: &Expr<'_>) -> Option<Unusable> {
        match callee {
            Expr::Var(name) if FUNCTIONS.contains(&name.id) => None,
            Expr::Var(name) => Some(Unusable::Function(name.id.to_owned())),
            Expr::GetAttr(method) => Some(Unusable::Method(method.name.to_owned())),
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
            | Expr::Map(_) => Some(Unusable::Value),
        }
    }

    /// Some filters take the name of another, or of a test, as a text: `map("int")`.
    fn named_by_text(self, filter: &str, arguments: &[CallArg<'_>]) -> Option<Unusable> {
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

    fn filter(self, name: &str) -> Option<Unusable> {
        let unknown = !self.has("name is filter", name);
        unknown.then(|| Unusable::Filter(name.to_owned()))
    }

    fn test(self, name: &str) -> Option<Unusable> {
        let unknown = !self.has("name is test", name);
        unknown.then(|| Unusable::Test(name.to_owned()))
    }

    /// Asks the engine itself, which has no list of what it knows.
    fn has(self, question: &'static str, name: &str) -> bool {
        let asked = self.environment.compile_expression(question);
        let told = asked.and_then(|asked| asked.eval(context! { name }));
        told.is_ok_and(|told| told.is_true())
    }
}

fn both_numbers(two: &BinOp<'_>) -> bool {
    is_number(&two.left) && is_number(&two.right)
}

/// Whether it is a number whatever the answer is, or fails.
fn is_number(expression: &Expr<'_>) -> bool {
    match expression {
        Expr::Const(constant) => constant.value.kind() == ValueKind::Number,
        Expr::UnaryOp(one) => matches!(one.op, UnaryOpKind::Neg),
        Expr::BinOp(two) => match two.op {
            BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => true,
            // It joins texts and lists, too.
            BinOpKind::Add => both_numbers(two),
            BinOpKind::Eq
            | BinOpKind::Ne
            | BinOpKind::Lt
            | BinOpKind::Lte
            | BinOpKind::Gt
            | BinOpKind::Gte
            | BinOpKind::ScAnd
            | BinOpKind::ScOr
            | BinOpKind::Concat
            | BinOpKind::In => false,
        },
        Expr::IfExpr(choice) => {
            is_number(&choice.true_expr) && choice.false_expr.as_ref().is_some_and(is_number)
        }
        Expr::Filter(filter) => ["int", "float", "length", "count"].contains(&filter.name),
        Expr::Var(_)
        | Expr::Slice(_)
        | Expr::Compare(_)
        | Expr::Test(_)
        | Expr::GetAttr(_)
        | Expr::GetItem(_)
        | Expr::Call(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Map(_) => false,
    }
}

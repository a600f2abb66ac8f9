//! What is missing stays missing: nothing passes through every filter as nothing.
//!
//! An answer need not have what an expression reads; `item.roles | split(" ")` of a token without roles is
//! then nothing, and no error that keeps everything else from being read.

use minijinja::functions::Function;
use minijinja::value::{FunctionArgs, FunctionResult, Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, State, filters};

/// Wraps every filter that is offered, but for `default`, which is there for what is missing.
pub(super) fn pass_through(environment: &mut Environment<'static>) {
    macro_rules! each {
        ($($name:ident)*) => {
            $(wrap(environment, stringify!($name), filters::$name);)*
        };
    }
    each! {
        lower upper title capitalize length dictsort items reverse trim split lines round abs int float
        attr first last min max sort list string bool sum select reject selectattr rejectattr map unique
        chain
    }
    wrap(environment, "count", filters::length);
    wrap(environment, "join", super::functions::join);
}

fn wrap<F, Rv, Args>(environment: &mut Environment<'static>, name: &'static str, filter: F)
where
    F: Function<Rv, Args>,
    Rv: FunctionResult,
    Args: for<'a> FunctionArgs<'a>,
{
    let filter = Value::from_function(filter);
    let wrapped =
        move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| -> Result<Value, Error> {
            let arguments = arguments.into_values();
            match arguments.first() {
                Some(value) if value.is_none() || value.is_undefined() => Ok(Value::UNDEFINED),
                Some(_) | None => filter.call(state, &arguments),
            }
        };
    environment.add_filter(name, wrapped);
}

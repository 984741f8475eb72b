//! The filter of a usersource (R32): an expression over the claims that says who gets in.
//!
//! Only `true` lets anybody in. Each claim is a variable of its own name, and all of them are in `claims`, where also
//! those are found whose name is none for a variable: `claims["https://shop.example/plan"] == "gold"`.
//!
//! Spec: Common Expression Language, its standard functions and macros.
//! Stops: a filter that fails and therefore lets everybody in; a filter that takes the program down: the interpreter has
//! no limit of time or of its own depth, and a stack that ends cannot be caught. So what an expression may cost is judged
//! before (`limits`), it runs on a thread with a stack that is large enough, few of them at once, and whoever waits for
//! it waits for two seconds.

mod limits;
mod values;

#[cfg(test)]
mod tests;

use super::Person;
use cel::parser::{Expression, Parser};
use cel::{Context, Env, ExecutionError, Value};
use limits::Extent;
use serde_json::Map;
use std::sync::{Arc, LazyLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Longest expression, in characters.
const LONGEST: usize = 4000;
/// Deepest nesting that the parser follows. It needs some 100 KB of stack for each level in a debug build.
const DEEPEST: u16 = 40;
/// The stack of a thread that parses and evaluates, in bytes. Only what is used takes memory.
const STACK: usize = 64 * 1024 * 1024;
/// So many evaluations at once; whoever comes then waits.
static TURNS: Semaphore = Semaphore::const_new(8);
/// How long a sign-in waits for its turn and its verdict.
const PATIENCE: Duration = Duration::from_secs(2);

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Whether `expression` can be a filter; if not, a sentence for whoever wrote it. The sentence repeats nothing of it.
pub fn check(expression: &str) -> Result<(), String> {
    let expression = expression.to_owned();
    done(apart(move || limits::judge(&read(&expression)?, Extent::USUAL))?)
}

/// Whether the filter lets `person` in. An error lets nobody in, either; its sentence, for log and test, repeats nothing
/// of the claims.
pub async fn admits(expression: &str, person: &Person) -> Result<bool, String> {
    let (expression, claims) = (expression.to_owned(), person.claims.clone());
    let verdict = async {
        let turn = TURNS.acquire().await.map_err(|_| BROKE_OFF.to_owned())?;
        let (tell, told) = oneshot::channel();
        apart(move || {
            // Held until the work is done, though nobody may wait for it any more.
            let _turn = turn;
            let _ = tell.send(evaluate(&expression, &claims));
        })?;
        told.await.unwrap_or_else(|_| Err(BROKE_OFF.to_owned()))
    };
    let waited = tokio::time::timeout(PATIENCE, verdict).await;
    waited.unwrap_or_else(|_| Err("the filter was not done in time".to_owned()))
}

const BROKE_OFF: &str = "the filter broke off";

/// Does `work` where it can neither end this thread's stack nor unwind through it.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>, String> {
    let thread = Builder::new().name("filter".to_owned()).stack_size(STACK).spawn(work);
    thread.map_err(|_| "there is no room for a filter to run at this moment".to_owned())
}

/// What came of the work; a panic is a fault like any other.
fn done<T>(work: JoinHandle<Result<T, String>>) -> Result<T, String> {
    work.join().unwrap_or_else(|_| Err(BROKE_OFF.to_owned()))
}

fn read(expression: &str) -> Result<Expression, String> {
    if expression.chars().nth(LONGEST).is_some() {
        return Err(format!("a filter has at most {LONGEST} characters"));
    }
    let parsed = Parser::new().max_recursion_depth(DEEPEST).parse(expression);
    parsed.map_err(|faults| match faults.errors.iter().map(|fault| fault.pos).find(|pos| pos.0 > 0) {
        Some((line, column)) => format!("this is no CEL expression: see line {line}, column {column}"),
        None => "this is no CEL expression".to_owned(),
    })
}

fn evaluate(expression: &str, claims: &Map<String, serde_json::Value>) -> Result<bool, String> {
    let expression = read(expression)?;
    limits::judge(&expression, values::extent(claims)?)?;
    let mut context = Context::with_env(Arc::clone(&ENV));
    for (name, value) in values::variables(claims) {
        context.add_variable_from_value(name, value);
    }
    match Value::resolve(&expression, &context) {
        Ok(Value::Bool(admitted)) => Ok(admitted),
        Ok(_) => Err("the filter gave neither true nor false".to_owned()),
        Err(error) => Err(told(&error)),
    }
}

/// What went wrong, in words that hold nothing of any value.
fn told(error: &ExecutionError) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others tell values")]
    match error {
        ExecutionError::UndeclaredReference(name) => format!("there is no claim and no function {name}"),
        ExecutionError::NoSuchOverload(overload) => format!("the filter failed: {overload}"),
        ExecutionError::NoSuchKey(_) => "the filter asks for something that is not in the claims".to_owned(),
        ExecutionError::UnexpectedType { got, want } => {
            format!("the filter failed: {want} was needed, {got} was there")
        }
        _ => "the filter failed".to_owned(),
    }
}

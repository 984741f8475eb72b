//! What an expression may cost, judged before it runs: nothing stops it once it does.
//!
//! Its steps are counted as if every condition had to look at all that there is, and every `all`, `exists`, `filter` or
//! `map` went through every claim. Such a count holds only if values cannot grow on the way: texts and lists are joined a
//! few times, and never inside of such a loop; and what `map` keeps are its elements or members of them.
//!
//! Stops: an expression that runs for hours, or doubles a list again and again until memory ends; one so deep that the
//! stack ends; a pattern that takes seconds to be read.

#![expect(clippy::wildcard_enum_match_arm, reason = "any other expression is judged by its parts")]

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

/// How much an expression may have to look through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// How many values the claims have, nested ones included.
    pub(super) values: u64,
    /// How long they are.
    pub(super) bytes: u64,
}

impl Extent {
    /// Of a person with some dozens of groups.
    pub(super) const USUAL: Self = Self { values: 60, bytes: 4096 };
    /// The most that is looked through at all.
    const MOST: Self = Self { values: 5000, bytes: 262_144 };
}

/// Most steps, each of which takes a tenth of a microsecond or less.
const MOST_STEPS: u64 = 10_000_000;
/// Deepest nesting, macros counted as what they stand for.
const DEEPEST: usize = 100;
/// So many times values may be joined.
const MOST_JOINS: u64 = 20;
/// Longest pattern, in bytes, and its largest program.
const LONGEST_PATTERN: usize = 500;
const LARGEST_PROGRAM: usize = 100_000;
/// Reading such a pattern costs as much as so many steps.
const PATTERN_STEPS: u64 = 5000;

/// Refuses an expression that might take too long over claims of this extent.
pub(super) fn judge(expression: &IdedExpr, extent: Extent) -> Result<(), String> {
    if extent.values > Extent::MOST.values || extent.bytes > Extent::MOST.bytes {
        return Err("there are more claims than a filter looks through".to_owned());
    }
    let mut shape = Shape { joins: 0, nodes: 0 };
    shape.add(&expression.expr, DEEPEST, Place::Once)?;
    if shape.joins > MOST_JOINS {
        return Err(format!("join texts or lists at most {MOST_JOINS} times"));
    }
    let size = |of: u64| of * (1 + shape.joins);
    let reach = size(extent.values) + shape.nodes;
    let count = Count { reach, look: 1 + (reach + size(extent.bytes) / 64) / 16 };
    if count.steps(&expression.expr, 1) > MOST_STEPS {
        return Err(
            "this might take too long: put fewer of all, exists, filter and map inside of each other".to_owned()
        );
    }
    Ok(())
}

/// How often a part is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Once,
    Loop,
}

/// What an expression is made of.
struct Shape {
    joins: u64,
    nodes: u64,
}

impl Shape {
    fn add(&mut self, expr: &Expr, deeper: usize, place: Place) -> Result<(), String> {
        let deeper = deeper.checked_sub(1).ok_or_else(|| "this is nested too deep; write it flatter".to_owned())?;
        self.nodes += 1;
        if let Expr::Comprehension(parts) = expr {
            check_kept(parts, place)?;
            self.add(&parts.iter_range.expr, deeper, place)?;
            return repeated(parts).into_iter().try_for_each(|part| self.add(&part.expr, deeper, Place::Loop));
        }
        if let Some(element) = kept(expr) {
            return self.add(&element.expr, deeper, place);
        }
        let joins = joins(expr);
        if joins > 0 && place == Place::Loop {
            return Err(
                "inside of all, exists, filter and map, neither join texts or lists nor make new ones".to_owned()
            );
        }
        self.joins += joins;
        if let Expr::Call(call) = expr {
            check_pattern(call)?;
        }
        parts(expr).into_iter().try_for_each(|part| self.add(&part.expr, deeper, place))
    }
}

/// Counts steps.
struct Count {
    /// So many values the longest list may have.
    reach: u64,
    /// What it costs to look at everything once.
    look: u64,
}

impl Count {
    fn steps(&self, expr: &Expr, times: u64) -> u64 {
        let sum = |parts: Vec<&IdedExpr>, times: u64| {
            parts.into_iter().fold(0, |sum: u64, part| sum.saturating_add(self.steps(&part.expr, times)))
        };
        let own = match expr {
            Expr::Literal(_) => 1,
            Expr::Call(call) if call.func_name == MATCHES => self.look.saturating_add(PATTERN_STEPS),
            _ => self.look,
        };
        let below = match expr {
            Expr::Comprehension(parts) => {
                let range = self.steps(&parts.iter_range.expr, times);
                range.saturating_add(sum(repeated(parts).to_vec(), times.saturating_mul(self.reach)))
            }
            other => sum(parts(other), times),
        };
        own.saturating_mul(times).saturating_add(below)
    }
}

const MATCHES: &str = "matches";

/// How many values that are not written down become part of a new one here.
fn joins(expr: &Expr) -> u64 {
    let unknown = |values: Vec<&IdedExpr>| values.into_iter().filter(|value| !is_constant(&value.expr)).count() as u64;
    match expr {
        Expr::Call(call) if call.func_name == operators::ADD => unknown(call.args.iter().collect()).saturating_sub(1),
        Expr::List(_) | Expr::Map(_) | Expr::Struct(_) => unknown(parts(expr)),
        _ => 0,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => true,
        Expr::Call(call) => call.func_name == operators::NEGATE && call.args.iter().all(|arg| is_constant(&arg.expr)),
        Expr::List(_) | Expr::Map(_) => parts(expr).into_iter().all(|part| is_constant(&part.expr)),
        _ => false,
    }
}

/// What `map` and `filter` add to their result: `@result + [element]`, which nobody can write by hand.
fn kept(expr: &Expr) -> Option<&IdedExpr> {
    let Expr::Call(CallExpr { func_name, args, .. }) = expr else { return None };
    match args.as_slice() {
        [IdedExpr { expr: Expr::Ident(result), .. }, IdedExpr { expr: Expr::List(list), .. }]
            if func_name == operators::ADD && result.starts_with('@') =>
        {
            list.elements.first().filter(|_| list.elements.len() == 1)
        }
        _ => None,
    }
}

/// A list of `map` is no larger than the one that it goes through.
fn check_kept(parts: &ComprehensionExpr, place: Place) -> Result<(), String> {
    let step = &parts.loop_step.expr;
    let element = kept(step).or_else(|| match step {
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
            call.args.get(1).and_then(|arg| kept(&arg.expr))
        }
        _ => None,
    });
    let is_variable = |expr: &Expr| matches!(expr, Expr::Ident(name) if *name == parts.iter_var);
    match element.map(|element| &element.expr) {
        // `filter`, too.
        Some(element) if is_variable(element) => Ok(()),
        Some(_) if place == Place::Loop => Err("put no map inside of all, exists, filter and map".to_owned()),
        Some(element) if !is_variable(root(element)) => Err("let map keep its variable or a member of it".to_owned()),
        _ => Ok(()),
    }
}

/// What an expression selects from.
fn root(expr: &Expr) -> &Expr {
    match expr {
        Expr::Select(select) => root(&select.operand.expr),
        Expr::Call(call) if call.func_name == operators::INDEX => call.args.first().map_or(expr, |of| root(&of.expr)),
        _ => expr,
    }
}

/// A pattern is written down, so that it can be judged here.
fn check_pattern(call: &CallExpr) -> Result<(), String> {
    if call.func_name != MATCHES {
        return Ok(());
    }
    let Some(Expr::Literal(LiteralValue::String(pattern))) = call.args.last().map(|arg| &arg.expr) else {
        return Err("write the pattern of matches down as a text".to_owned());
    };
    let pattern = pattern.inner();
    let read = || regex::RegexBuilder::new(pattern).size_limit(LARGEST_PROGRAM).build();
    if pattern.len() > LONGEST_PATTERN || read().is_err() {
        return Err("a pattern of matches is no regular expression, or too large".to_owned());
    }
    Ok(())
}

/// The parts of a loop that are evaluated for each element, or might be.
fn repeated(parts: &ComprehensionExpr) -> [&IdedExpr; 4] {
    [&parts.accu_init, &parts.loop_cond, &parts.loop_step, &parts.result]
}

fn parts(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(parts) => [vec![&parts.iter_range], repeated(parts).to_vec()].concat(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(made) => made.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}
